"""What postes should do, and whether they were told: the level-triggered outbox.

A change raises `rev` under the row lock of the poste; `sent_rev < rev` means that the broker does not have it yet.
There is no cursor to lose: rows are unsent until they are marked, whatever the order of commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Row, Select, and_, bindparam, select, text, update

from fleet.database import ledger, sessions
from fleet.database.engine import Transaction
from fleet.database.news import CHANNEL, DESIRED, News
from fleet.database.prepared import PREPARED
from fleet.database.sql import any_of
from fleet.database.tables import command, desired, poste, session, site
from fleet.database.trips import Words
from fleet.domain.errors import NotFound
from fleet.domain.policy import Policy
from fleet.domain.poste import EN_SERVICE
from fleet.domain.session import Session


class Wanted(msgspec.Struct, frozen=True):
    """What a poste should do, as of one consistent look at the database."""

    poste_id: int
    slug: str
    rev: int
    sent_rev: int
    applied_rev: int
    reason: str | None
    wanted: str
    needs_care: bool
    session: Session | None
    grace_s: int


def saved(
    tx: Transaction, before: Session, after: Session, poste_id: int, reason: str, *, tell: bool = True
) -> Row[Any]:
    """Store what changed of a session and raise the rev of its poste. Gives rev, sent_rev and applied_rev.

    Without `tell` its caller lets the sender know. Raises Refused as `sessions.save` does.
    """
    row = sessions.save_and(tx, before, after, _BUMP, {"wanted": poste_id, "because": reason})
    return _raised(tx, after.site_id, poste_id, row, tell=tell)


def bump(tx: Transaction, site_id: int, poste_id: int, reason: str) -> int:
    """Raise the rev of a poste, which locks it until the commit, and let the sender know. Gives the new rev."""
    row = tx.execute(_BUMP, {"wanted": poste_id, "because": reason}).first()
    return int(_raised(tx, site_id, poste_id, row, tell=True).rev)


def _raised(tx: Transaction, site_id: int, poste_id: int, row: Row[Any] | None, *, tell: bool) -> Row[Any]:
    if row is None:
        raise NotFound("poste")
    ledger.write(tx.connection, tx.given, row.rev)
    if tell:
        tx.tell_with(site_id, DESIRED, _CARRY, {"poste": poste_id})
    return row


def raise_together(tx: Transaction, site_id: int, reasons: Mapping[int, str]) -> int:
    """Raise postes to one rev that is higher than all of theirs, each with its reason. Gives that rev."""
    locked = select(desired.c.poste_id, desired.c.rev).where(any_of(tx, desired.c.poste_id, list(reasons)))
    rows = tx.execute(locked.order_by(desired.c.poste_id).with_for_update()).all()
    rev: int = max(row.rev for row in rows) + 1
    for row in rows:
        mine = update(desired).where(desired.c.poste_id == row.poste_id)
        tx.execute(mine.values(rev=rev, reason=reasons[row.poste_id]))
    ledger.write_told(tx.connection, tx.given)
    tx.tell(site_id, DESIRED)
    return rev


_BUMP = (
    update(desired)
    .where(desired.c.poste_id == bindparam("wanted"))
    .values(rev=desired.c.rev + 1, reason=bindparam("because"))
    .returning(desired.c.rev, desired.c.sent_rev, desired.c.applied_rev)
    .execution_options(**PREPARED)
)


_SESSION_FIELDS = {name: name for name in ("id", "site_id", "utilisateur_id", "version")} | sessions.COLUMNS


def _wanted() -> Select[Any]:
    # In the words of the partial index: a statement that is planned once could not use it for parameters.
    here = and_(session.c.poste_id == poste.c.id, text("session.statut IN ('active', 'suspendue')"))
    mine = [session.c[column] for column in _SESSION_FIELDS.values()]
    return (
        select(
            desired.c.poste_id.label("of_poste"),
            desired.c.rev,
            desired.c.sent_rev,
            desired.c.applied_rev,
            desired.c.reason,
            desired.c.needs_care,
            poste.c.slug,
            poste.c.statut_voulu,
            poste.c.site_id.label("of_site"),
            site.c.politique,
            *mine,
        )
        .join_from(desired, poste, desired.c.poste_id == poste.c.id)
        .join(site, poste.c.site_id == site.c.id)
        .outerjoin(session, here)
    )


_WANTED = _wanted()
_OF_POSTE = _WANTED.where(desired.c.poste_id == bindparam("wanted")).execution_options(**PREPARED)
_UNSENT = (
    _WANTED.where(desired.c.site_id == bindparam("wanted"), desired.c.sent_rev < desired.c.rev)
    .limit(bindparam("most"))
    .execution_options(**PREPARED)
)


# The notification of a change takes along what the poste should do: who drives the site would ask for just that, and
# a visitor waits for it.
_CARRY = Words(
    "ppm_carry",
    f"""
SELECT pg_notify('{CHANNEL}', %(payload)s || E'\\n' || json_build_object(
    'poste_id', poste.id, 'slug', poste.slug, 'rev', rev, 'sent_rev', sent_rev, 'applied_rev', applied_rev,
    'reason', reason, 'wanted', statut_voulu, 'needs_care', needs_care IS NOT NULL,
    'grace_s', coalesce((politique ->> 'grace_s')::int, {Policy.grace_s}),
    'session', CASE WHEN session.id IS NOT NULL THEN json_build_object({
        ", ".join(f"'{field}', session.{column}" for field, column in _SESSION_FIELDS.items())
    }) END))
FROM desired JOIN poste ON poste.id = desired.poste_id JOIN site ON site.id = poste.site_id
    LEFT JOIN session ON session.poste_id = poste.id AND session.statut IN ('active', 'suspendue')
WHERE desired.poste_id = %(poste)s::bigint
""",  # noqa: S608 (words of this file)
)
_decode = msgspec.json.Decoder(Wanted).decode


def carried(news: News) -> Wanted | None:
    """What a notification took along."""
    return _decode(news.carried) if news.carried else None


def _to_wanted(row: Any) -> Wanted:
    return Wanted(
        poste_id=row.of_poste,
        slug=row.slug,
        rev=row.rev,
        sent_rev=row.sent_rev,
        applied_rev=row.applied_rev,
        reason=row.reason,
        wanted=row.statut_voulu,
        needs_care=row.needs_care is not None,
        session=None if row.id is None else sessions.to_session(row),
        grace_s=(row.politique or {}).get("grace_s", Policy.grace_s),
    )


def unsent(tx: Transaction, site_id: int, limit: int) -> list[Wanted]:
    """What the broker does not have yet."""
    return [_to_wanted(row) for row in tx.execute(_UNSENT, {"wanted": site_id, "most": limit})]


@dataclass(frozen=True)
class Numbered:
    """How far a poste is: the rev of what it should do, and the last one that it applied."""

    poste_id: int
    slug: str
    rev: int
    applied: int


def numbers(tx: Transaction, site_id: int) -> list[Numbered]:
    """How far every poste of a site is."""
    wanted = (
        select(poste.c.id, poste.c.slug, desired.c.rev, desired.c.applied_rev)
        .join_from(poste, desired, desired.c.poste_id == poste.c.id)
        .where(poste.c.site_id == site_id)
    )
    return [Numbered(*row) for row in tx.execute(wanted)]


def of_poste(tx: Transaction, poste_id: int) -> Wanted:
    """What one poste should do. Raises NotFound."""
    row = tx.execute(_OF_POSTE, {"wanted": poste_id}).first()
    if row is None:
        raise NotFound("poste")
    return _to_wanted(row)


def of_postes(tx: Transaction, poste_ids: Sequence[int]) -> list[Wanted]:
    """What some postes should do."""
    if len(poste_ids) == 1:
        return [_to_wanted(row) for row in tx.execute(_OF_POSTE, {"wanted": poste_ids[0]})]
    return [_to_wanted(row) for row in tx.execute(_WANTED.where(any_of(tx, desired.c.poste_id, poste_ids)))]


def mark_sent(tx: Transaction, sent: Sequence[tuple[int, int]]) -> None:
    """The broker has acknowledged these (poste, rev)."""
    _raise_column(tx, "sent_rev", sent)


def mark_applied(tx: Transaction, applied: Sequence[tuple[int, int]]) -> None:
    """The postes have told that they do these (poste, rev)."""
    _raise_column(tx, "applied_rev", applied)


def _raise(column: Column[int]) -> Any:
    one = update(desired).where(desired.c.poste_id == bindparam("wanted"), column < bindparam("reached"))
    return one.values({column: bindparam("reached")}).execution_options(**PREPARED)


_RAISE = {column.name: _raise(column) for column in (desired.c.sent_rev, desired.c.applied_rev)}


# In the order of their ids, as everybody who locks many postes: two in another order would wait for each other.
_RAISE_MANY = """
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(revs)s::bigint[]) AS v (id, rev)
), locked AS (
    SELECT poste_id FROM desired JOIN asked ON poste_id = asked.id ORDER BY poste_id FOR NO KEY UPDATE OF desired
)
UPDATE desired SET {column} = asked.rev FROM asked JOIN locked ON locked.poste_id = asked.id
WHERE desired.poste_id = asked.id AND {column} < asked.rev
"""


def _raise_column(tx: Transaction, column: str, pairs: Sequence[tuple[int, int]]) -> None:
    if not pairs:
        return
    newest = dict(sorted(pairs))
    # S608: the column is one of two words of this file.
    if len(newest) == 1:
        ((poste_id, rev),) = newest.items()
        tx.execute(_RAISE[column], {"wanted": poste_id, "reached": rev})
    elif tx.is_postgresql:
        tx.connection.exec_driver_sql(
            _RAISE_MANY.format(column=column),
            {"ids": list(newest), "revs": list(newest.values())},
            execution_options=PREPARED,
        )
    else:
        statement = text(f"UPDATE desired SET {column} = :rev WHERE poste_id = :id AND {column} < :rev")  # noqa: S608
        tx.execute(statement, [{"id": poste_id, "rev": rev} for poste_id, rev in newest.items()])


def is_in_service(wanted: Wanted) -> bool:
    """Whether visitors may use the poste."""
    return wanted.wanted == EN_SERVICE and not wanted.needs_care


@dataclass(frozen=True)
class Order:
    """A command to a poste that has not been sent yet."""

    id: str
    slug: str
    op: str
    args: dict[str, Any]
    boot: str | None
    issued_at: datetime
    ttl_ms: int


def unsent_commands(tx: Transaction, site_id: int, limit: int) -> list[Order]:
    """Commands that wait to be sent, oldest first."""
    return [
        Order(row.id, row.slug, row.op, row.args, row.boot, row.issued_at, row.ttl_ms)
        for row in tx.execute(_ORDERS, {"wanted": site_id, "most": limit})
    ]


_ORDERS = (
    select(command, poste.c.slug)
    .join_from(command, poste, command.c.poste_id == poste.c.id)
    .where(command.c.site_id == bindparam("wanted"), text("commande.statut = 'a_envoyer'"))
    .order_by(command.c.issued_at)
    .limit(bindparam("most"))
    .execution_options(**PREPARED)
)


def mark_ordered(tx: Transaction, command_ids: Sequence[str]) -> None:
    """The broker has these commands; some may have been answered already."""
    for command_id in command_ids:
        mine = (command.c.id == command_id, command.c.statut == "a_envoyer")
        tx.execute(update(command).where(*mine).values(statut="envoyee", updated_at=tx.now))


OVER = ("done", "refused", "expired", "cancelled")
"""What became of a command, once nothing more becomes of it."""


def put_back(tx: Transaction, command_id: str) -> bool:
    """Let a command wait for its poste again; False for one that does not wait, or not so long."""
    mine = (command.c.id == command_id, command.c.statut.not_in(OVER), command.c.expire_a > tx.now)
    values = {"statut": "attend", "boot": None, "updated_at": tx.now}
    return tx.execute(update(command).where(*mine).values(**values)).rowcount == 1


def mark_command(tx: Transaction, command_id: str, statut: str, motif: str | None = None) -> bool:
    """What became of a command; False when it is unknown or already over."""
    statement = (
        update(command)
        .where(command.c.id == command_id, command.c.statut.not_in(OVER))
        .values(statut=statut, motif=motif, updated_at=tx.now)
    )
    return tx.execute(statement).rowcount == 1
