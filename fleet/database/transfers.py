"""Sessions that changed their poste, as rows: kept until the poste that was left has told what it measured."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from fleet.database import sessions
from fleet.database.engine import Transaction
from fleet.database.tables import desired, grant, transfer


def add(tx: Transaction, session_id: int, from_id: int, to_id: int, rev: int, left_ms: int) -> None:
    """A session has left a poste for another one, both at this rev, with so much time left."""
    values = {
        "session_id": session_id,
        "de_poste_id": from_id,
        "vers_poste_id": to_id,
        "rev": rev,
        "restant_ms": left_ms,
        "created_at": tx.now,
    }
    tx.execute(insert(transfer).values(**values))


def unmeasured(tx: Transaction, session_id: int, from_id: int, rev: int) -> Row[Any] | None:
    """The newest transfer away from a poste that was told by this rev and whose measure is not known yet."""
    wanted = (
        select(transfer)
        .where(
            transfer.c.session_id == session_id,
            transfer.c.de_poste_id == from_id,
            transfer.c.rev <= rev,
            transfer.c.mesure.is_(False),
        )
        .order_by(transfer.c.id.desc())
        .limit(1)
    )
    return tx.execute(wanted).first()


def added_between(tx: Transaction, session_id: int, after_rev: int, before_rev: int) -> int:
    """What was granted to a session, less what was taken, by revs between two, in milliseconds."""
    wanted = select(func.coalesce(func.sum(grant.c.montant_ms), 0)).where(
        grant.c.session_id == session_id,
        grant.c.rev > after_rev,
        grant.c.rev < before_rev,
        grant.c.genre.in_(("ajout", "retrait")),
    )
    return int(tx.execute(wanted).scalar_one())


def came_after(tx: Transaction, session_id: int, poste_id: int, rev: int) -> bool:
    """Whether a session was moved to a poste by a rev after one."""
    wanted = select(transfer.c.id).where(
        transfer.c.session_id == session_id, transfer.c.vers_poste_id == poste_id, transfer.c.rev > rev
    )
    return tx.execute(wanted.limit(1)).first() is not None


def is_being_left(tx: Transaction, session_id: int, poste_id: int) -> bool:
    """Whether a poste has yet to say that a session has left it: it will lock, and wipe that session's files."""
    wanted = (
        select(transfer.c.id)
        .join(desired, desired.c.poste_id == transfer.c.de_poste_id)
        .where(
            transfer.c.session_id == session_id,
            transfer.c.de_poste_id == poste_id,
            transfer.c.rev > desired.c.applied_rev,
        )
    )
    return tx.execute(wanted.limit(1)).first() is not None


def keep_measure(tx: Transaction, transfer_id: int, correction_ms: int, poste_id: int) -> None:
    """The poste that was left has told what it measured: what the other one was told so far lacks the correction."""
    told = select(desired.c.rev).where(desired.c.poste_id == poste_id).scalar_subquery()
    known = update(transfer).where(transfer.c.id == transfer_id)
    tx.execute(known.values(mesure=True, ecart_ms=correction_ms, ecart_rev=told + 1))


def stamp(tx: Transaction, by_poste: Mapping[int, int]) -> None:
    """Each correction (transfer to poste) is told by the rev that its poste has now."""
    for transfer_id, poste_id in by_poste.items():
        rev = select(desired.c.rev).where(desired.c.poste_id == poste_id).scalar_subquery()
        tx.execute(update(transfer).where(transfer.c.id == transfer_id).values(ecart_rev=rev))


def changed_after(tx: Transaction, session_id: int, rev: int) -> int:
    """By how much revs after one have changed what is left of a session: granted, taken, corrected."""
    wanted = select(func.coalesce(func.sum(transfer.c.ecart_ms), 0)).where(
        transfer.c.session_id == session_id, transfer.c.ecart_rev > rev
    )
    return int(tx.execute(wanted).scalar_one()) + sessions.added_after(tx, session_id, rev)
