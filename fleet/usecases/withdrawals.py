"""What somebody holds and has not used yet (a code, a booking, a ticket): given back in the transaction that forgets
them, or in which they take their consent back. No poste stays reserved for nobody."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Table, select, update

from fleet.database import sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import CODES, PROMISES
from fleet.database.tables import booking, queue, session
from fleet.domain import session as rules
from fleet.domain.actor import Actor
from fleet.domain.booking import ANNULEE, PREVUE
from fleet.domain.queue import ABANDONNEE, WAITING
from fleet.usecases import closed_bookings


def lock_sessions(tx: Transaction, utilisateur_id: int, statuts: Collection[str]) -> list[rules.Session]:
    """Somebody's sessions of these statuts, locked. To be done before the person is locked."""
    theirs = (session.c.utilisateur_id == utilisateur_id, session.c.statut.in_(statuts))
    wanted = sessions.lock(sessions.found().where(*theirs).order_by(session.c.id))
    return [sessions.to_found(row).session for row in tx.execute(wanted)]


def give_back(
    tx: Transaction, actor: Actor, utilisateur_id: int, held: Sequence[rules.Session], reason: str
) -> None:
    """End these sessions of somebody, and withdraw what is promised to them; each says the reason in the trail."""
    about: dict[str, Any]
    for before in held:
        sessions.save(tx, before, rules.end(before, tx.now, reason))
        about = {"site_id": before.site_id, "session_id": before.id, "poste_id": before.poste_id}
        _tell(tx, actor, "fermeture", CODES, reason, utilisateur_id=utilisateur_id, **about)
    over: dict[str, Any] = {"statut": ABANDONNEE, "prenom": "", "poste_id": None, "expire_a": None}
    for row in _withdrawn(tx, queue, utilisateur_id, WAITING, over):
        facts = {"ticket": row.id, "fait": "abandon"}
        about = {"site_id": row.site_id, "poste_id": row.poste_id, "utilisateur_id": utilisateur_id}
        _tell(tx, actor, "file_attente", PROMISES, reason, facts, **about)
    gone = _withdrawn(tx, booking, utilisateur_id, (PREVUE,), {"statut": ANNULEE, "nom": ""})
    for row in gone:
        about = {"site_id": row.site_id, "poste_id": row.poste_id, "utilisateur_id": utilisateur_id}
        _tell(tx, actor, "annulation_reservation", PROMISES, reason, {"reservation": row.id}, **about)
    for site_id in sorted({row.site_id for row in gone}):
        closed_bookings.look(tx, site_id)


def _withdrawn(
    tx: Transaction, table: Table, utilisateur_id: int, statuts: Collection[str], over: dict[str, Any]
) -> Sequence[Any]:
    """The promises as they were."""
    mine = (table.c.utilisateur_id == utilisateur_id, table.c.statut.in_(statuts))
    rows = tx.execute(select(table).where(*mine).order_by(table.c.id).with_for_update()).all()
    for row in rows:
        stamps = {"updated_at": tx.now, "version": table.c.version + 1}
        tx.execute(update(table).where(table.c.id == row.id).values(**over, **stamps))
    return rows


def _tell(
    tx: Transaction,
    actor: Actor,
    action: str,
    topic: str,
    reason: str,
    facts: dict[str, Any] | None = None,
    **about: Any,
) -> None:
    told = {**(facts or {}), "motif": reason}
    personal = {"ip": actor.ip} if actor.ip else None
    tx.record(Entry(action, operateur_id=actor.operateur_id, metadata=told, personal=personal, **about))
    tx.tell(about["site_id"], topic)
