"""Deadlines that have come: sessions expire, codes die, pauses end, unconfirmed starts give their time back.

Many at once, in one transaction. What moved meanwhile is left alone: its deadline is another one now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, and_, bindparam, literal, or_, select, update

from fleet.database import bulk, expiry, places, sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.news import DESIRED
from fleet.database.outbox import Wanted
from fleet.database.sql import any_of
from fleet.database.tables import session as table
from fleet.database.types import Instant
from fleet.domain import session as rules
from fleet.usecases.fleet import Fleet


@dataclass(frozen=True)
class Armed:
    """A session and when somebody must act on it."""

    session_id: int
    due_at: datetime


def armed(fleet: Fleet, site_id: int) -> list[Armed]:
    """Every deadline of a site, to be armed when a controller starts to drive it."""
    with fleet.database.read() as tx:
        return _armed(tx, table.c.site_id == site_id, places.site(tx, site_id).policy.grace_s)


def _armed(tx: Transaction, which: ColumnElement[bool], grace_s: int) -> list[Armed]:
    columns = (
        table.c.id,
        table.c.statut,
        table.c.fin_prevue,
        table.c.confirmer_avant,
        table.c.suspendue_jusqu_a,
    )
    running = select(*columns).where(which, table.c.statut.in_(rules.ON_POSTE))
    grace = timedelta(seconds=grace_s)
    found = []
    for row in tx.execute(running):
        end = row.confirmer_avant or (row.fin_prevue + grace if row.fin_prevue else None)
        due = row.suspendue_jusqu_a if row.statut == rules.SUSPENDUE else end
        if due is not None:
            found.append(Armed(row.id, due))
    return found


def wait_for_confirmations(fleet: Fleet, lease: Lease) -> int:
    """Give unconfirmed starts their full time to be confirmed: postes could not tell anybody until now.

    Gives how many there are.
    """
    with fleet.database.transaction(lease) as tx:
        given = tx.execute(
            update(table)
            .where(
                table.c.site_id == lease.site_id,
                table.c.statut == rules.ACTIVE,
                table.c.confirmer_avant.is_not(None),
            )
            .values(confirmer_avant=tx.now + timedelta(seconds=rules.CONFIRM_S))
        )
        return given.rowcount


def shift(fleet: Fleet, lease: Lease, step: timedelta) -> int:
    """The database's clock has stepped: move every deadline with it. Gives how many sessions there were."""
    with fleet.database.transaction(lease) as tx:
        moved = _shift_postgresql(tx, lease, step) if tx.is_postgresql else _shift_sqlite(tx, lease, step)
        facts = {"saut_s": round(step.total_seconds(), 3), "sessions": moved}
        tx.record(Entry("erreur", lease.site_id, details="saut d'horloge", metadata=facts))
        return moved


_DEADLINES = ("fin_prevue", "confirmer_avant", "suspendue_jusqu_a")


def _shift_postgresql(tx: Transaction, lease: Lease, step: timedelta) -> int:
    moved = {name: table.c[name] + literal(step, Interval()) for name in _DEADLINES}
    mine = (table.c.site_id == lease.site_id, table.c.statut.in_(rules.ON_POSTE))
    return tx.execute(update(table).where(*mine).values(**moved, version=table.c.version + 1)).rowcount


def _shift_sqlite(tx: Transaction, lease: Lease, step: timedelta) -> int:
    """SQLite keeps instants as text, with which it cannot reckon to the microsecond."""
    mine = (table.c.site_id == lease.site_id, table.c.statut.in_(rules.ON_POSTE))
    rows = tx.execute(select(table.c.id, *(table.c[name] for name in _DEADLINES)).where(*mine)).all()
    moved = {name: bindparam(f"new_{name}", type_=Instant) for name in _DEADLINES}
    statement = update(table).where(table.c.id == bindparam("of_id"))
    each = [
        {"of_id": row.id, **{f"new_{n}": at + step if (at := getattr(row, n)) else None for n in _DEADLINES}}
        for row in rows
    ]
    if each:
        tx.execute(statement.values(**moved, version=table.c.version + 1), each)
    return len(each)


def next_code_expiry(fleet: Fleet, site_id: int) -> datetime | None:
    """When the next unused code of a site dies."""
    wanted = (
        select(table.c.code_expire_a)
        .where(table.c.site_id == site_id, table.c.statut == rules.EN_ATTENTE)
        .order_by(table.c.code_expire_a)
        .limit(1)
    )
    with fleet.database.read() as tx:
        instant: datetime | None = tx.execute(wanted).scalar_one_or_none()
        return instant


def expire_codes(fleet: Fleet, lease: Lease) -> int:
    """End the sessions whose codes were not used in time. Gives how many."""
    with fleet.database.transaction(lease) as tx:
        now = tx.now
        old = (
            update(table)
            .where(
                table.c.site_id == lease.site_id,
                table.c.statut == rules.EN_ATTENTE,
                table.c.code_expire_a <= now,
            )
            .values(
                statut=rules.EXPIREE,
                motif_fin="code_non_utilise",
                restant_ms=table.c.duree_initiale_ms + table.c.temps_ajoute_ms,
                fin_session=now,
                code_scelle=None,
                version=table.c.version + 1,
                updated_at=now,
            )
            .returning(table.c.id, table.c.poste_id, table.c.utilisateur_id)
        )
        ended = tx.execute(old).all()
        for row in ended:
            tx.record(
                Entry(
                    "expiration",
                    lease.site_id,
                    session_id=row.id,
                    poste_id=row.poste_id,
                    utilisateur_id=row.utilisateur_id,
                    metadata={"motif": "code_non_utilise"},
                )
            )
        return len(ended)


@dataclass(frozen=True)
class Ended:
    """What acting on deadlines brought: what freed postes should do, and the sessions still to come."""

    told: list[Wanted]
    later: list[Armed]


def end_due(fleet: Fleet, lease: Lease, due: Sequence[int], *, confirmations: bool = True) -> Ended:
    """Act on the sessions whose time has come.

    Without `confirmations` unconfirmed starts are left alone: with the broker lost no poste could confirm.
    """
    with fleet.database.transaction(lease) as tx:
        ended = expiry.expire(tx, lease.site_id, due)
    rest = [one for one in due if one not in ended.sessions]
    later = _rest_due(fleet, lease, rest, confirmations) if rest else []
    return Ended(ended.told, later)


def _rest_due(fleet: Fleet, lease: Lease, rest: Sequence[int], confirmations: bool) -> list[Armed]:
    """What is rarer, in a transaction of its own: its postes would be locked out of their order."""
    with fleet.database.transaction(lease) as tx:
        grace_s = places.site_now(tx, lease.site_id).policy.grace_s
        others = _others(tx, rest, confirmations)
        if others:  # who drives is told what has ended: asking again would find it before it is marked
            bulk.bump(tx, others)
            tx.tell(lease.site_id, DESIRED)
        return _armed(tx, any_of(tx, table.c.id, rest), grace_s)


def _others(tx: Transaction, ids: Sequence[int], confirmations: bool) -> list[tuple[int, str]]:
    """Unconfirmed starts and pauses that last too long: rarer, one by one."""
    if not ids:
        return []
    overdue = and_(table.c.statut == rules.SUSPENDUE, table.c.suspendue_jusqu_a <= tx.now)
    if confirmations:
        overdue = or_(overdue, and_(table.c.statut == rules.ACTIVE, table.c.confirmer_avant <= tx.now))
    wanted = sessions.found().where(any_of(tx, table.c.id, ids), overdue).order_by(table.c.id)
    rows = [sessions.to_found(row) for row in tx.execute(sessions.lock(wanted))]
    return [_one(tx, found) for found in rows]


def _one(tx: Transaction, found: sessions.Found) -> tuple[int, str]:
    before = found.session
    if before.remaining_ms(tx.now) == 0:
        reason, action = "duree_ecoulee", "expiration"
        after = rules.end(before, tx.now, reason, rules.EXPIREE)
    elif before.statut == rules.ACTIVE:
        reason, action = "demarrage_non_confirme", "suspension_session"
        after = rules.suspend(before, tx.now, found.rules.policy, reason)
    else:
        reason, action = "suspension_trop_longue", "fermeture"
        after = rules.end(before, tx.now, reason)
    sessions.save(tx, before, after)
    tx.record(
        Entry(
            action,
            before.site_id,
            session_id=before.id,
            poste_id=before.poste_id,
            utilisateur_id=before.utilisateur_id,
            metadata={"motif": reason},
        )
    )
    return before.poste_id or 0, reason
