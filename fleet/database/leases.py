"""Who drives a site: a lease with a term that only rises, and the fence that it makes.

Every transaction of a controller holds its lease row FOR KEY SHARE; a take-over takes the row FOR UPDATE, or leaves
it for later while a transaction of its holder still runs. So a controller that was frozen and thaws finds another
term and can commit nothing. Renewing changes no key column and waits for nobody.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from fleet.database.tables import lease, site
from fleet.database.trips import Words
from fleet.domain.errors import LeaseLost

TTL = timedelta(seconds=5)


@dataclass(frozen=True)
class Lease:
    """The right of one controller to drive one site, for one term."""

    site_id: int
    holder: str
    term: int


_HELD = (
    select(lease.c.term)
    .where(
        lease.c.site_id == bindparam("at"),
        lease.c.holder == bindparam("by"),
        lease.c.term == bindparam("for_term"),
    )
    .with_for_update(read=True, key_share=True)
)


# It goes with the next statement, so nobody looks at its answer: without the row it fails.
_HOLD = Words(
    "ppm_hold",
    "SELECT 1 / count(*) FROM (SELECT FROM lease"
    " WHERE site_id = %(at)s AND holder = %(by)s AND term = %(for_term)s FOR KEY SHARE) AS held",
)
_NOT_HELD = "22012"
"""What PostgreSQL calls a division by zero: nothing else of ours divides within a transaction."""


def hold(connection: Connection, held: Lease) -> None:
    """Keep this lease from being taken over until the commit.

    Raises LeaseLost if it already was: at once on SQLite, by `lost_is_told` with a later statement on PostgreSQL.
    """
    wanted = {"at": held.site_id, "by": held.holder, "for_term": held.term}
    if connection.dialect.name == "postgresql":
        _HOLD.later(connection, wanted)
    elif connection.execute(_HELD, wanted).first() is None:
        raise _lost(held)


@contextmanager
def lost_is_told(held: Lease | None) -> Iterator[None]:
    """Raise LeaseLost where PostgreSQL has said so in its own words."""
    try:
        yield
    except DBAPIError as error:
        if held is not None and getattr(error.orig, "pgcode", None) == _NOT_HELD:
            raise _lost(held) from None
        raise


def _lost(held: Lease) -> LeaseLost:
    return LeaseLost(f"site {held.site_id}, term {held.term}")


def acquire(connection: Connection, site_id: int, holder: str, now: datetime, floor: int = 0) -> Lease | None:
    """Take the lease of a site if it is free or over; None while another holds it, or holds its row: try later.

    Nobody is waited for: a holder that froze in a transaction must not cost other sites their controller. The new
    term is above the last one, above `floor` (the highest term that postes reported, plus one) and at
    least the seconds since 1970, so that a restored backup does not make postes deaf.
    """
    row = select(lease).where(lease.c.site_id == site_id).with_for_update(skip_locked=True)
    current = connection.execute(row).first()
    if current is not None and current.expires_at > now and current.holder != holder:
        return None
    term = _next_term(current.term if current else 0, now, floor)
    values = {"holder": holder, "term": term, "expires_at": now + TTL}
    if current is not None:
        connection.execute(update(lease).where(lease.c.site_id == site_id).values(**values))
        return Lease(site_id, holder, term)
    try:
        with connection.begin_nested():
            connection.execute(insert(lease).values(site_id=site_id, **values))
    except IntegrityError:
        return None  # somebody has taken it, or is about to
    return Lease(site_id, holder, term)


def _next_term(last: int, now: datetime, floor: int) -> int:
    return max(last + 1, int(now.timestamp()), floor)


def raised(connection: Connection, held: Lease, now: datetime, floor: int) -> Lease | None:
    """The same lease with a term of at least `floor`; None when it was lost. Waits for no transaction of ours."""
    term = _next_term(held.term, now, floor)
    mine = (lease.c.site_id == held.site_id, lease.c.holder == held.holder, lease.c.term == held.term)
    done = connection.execute(update(lease).where(*mine).values(term=term, expires_at=now + TTL))
    return Lease(held.site_id, held.holder, term) if done.rowcount == 1 else None


def free_sites(connection: Connection, now: datetime) -> Sequence[tuple[int, datetime | None]]:
    """Every site with the end of its lease: None or past means that it may be taken."""
    rows = connection.execute(select(site.c.id, lease.c.expires_at).outerjoin(lease).order_by(site.c.id))
    return [(row.id, row.expires_at) for row in rows if row.expires_at is None or row.expires_at <= now]


def next_end(connection: Connection, holder: str, now: datetime) -> datetime | None:
    """When the next lease of others ends, if nobody renews it."""
    running = select(func.min(lease.c.expires_at)).where(lease.c.holder != holder, lease.c.expires_at > now)
    end: datetime | None = connection.execute(running).scalar_one()
    return end


def renew(connection: Connection, holder: str, now: datetime) -> set[Lease]:
    """Prolong all leases of this controller, in one statement; what is not in the answer is lost."""
    statement = (
        update(lease)
        .where(lease.c.holder == holder)
        .values(expires_at=now + TTL)
        .returning(lease.c.site_id, lease.c.term)
    )
    return {Lease(row.site_id, holder, row.term) for row in connection.execute(statement)}


def release(connection: Connection, held: Lease, now: datetime) -> None:
    """Give a lease back: another controller may take it at once, and renewing does not bring it back."""
    connection.execute(
        update(lease)
        .where(lease.c.site_id == held.site_id, lease.c.holder == held.holder, lease.c.term == held.term)
        .values(holder="", expires_at=now)
    )
