"""An ending is taken back within a minute: the session is paused at its poste, and resumed by code or by the desk.

The poste was told to wipe what the visitor left, and is not stopped in it: it comes back clean.
"""

from sqlalchemy import select

from fleet.database import outbox, sessions, transfers
from fleet.database.engine import Transaction
from fleet.database.outbox import Wanted
from fleet.database.tables import desired
from fleet.domain import session as rules
from fleet.domain import undo as domain
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Refused
from fleet.usecases import desk
from fleet.usecases.fleet import Fleet

ACTION = "annulation_fin"


def undo(fleet: Fleet, actor: Actor, session_id: int) -> bool | None:
    """Take the ending of a session back. Gives whether its poste was wiped; None: it has not said so yet.

    Raises Refused after a minute, when nothing was left, or when the poste has another visitor.
    """
    fleet.require(actor, OPERATEUR, ACTION, session=session_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        found = desk.locked(tx, about, actor, session_id)
        before = found.session
        after = domain.undone(before, tx.now, found.rules.policy)
        poste_id = before.poste_id or 0
        desk.check_poste(tx, actor, before.site_id, poste_id)
        if sessions.is_taken(tx, poste_id):
            raise Refused("poste_occupe")
        sessions.save(tx, before, after)
        wiped = True if does_what_it_should(tx, poste_id) else None
        facts = {"motif": domain.REASON, "fin": before.reason, "poste_nettoye": wiped}
        tx.record(desk.entry(ACTION, about, actor, metadata=facts))
        outbox.bump(tx, before.site_id, poste_id, domain.REASON)
        return wiped


def require_ready(tx: Transaction, session: rules.Session) -> None:
    """Refuse to resume while the poste wipes what the undone ending made it wipe: it would end the session again."""
    if session.reason == domain.REASON and not does_what_it_should(tx, session.poste_id or 0):
        raise Refused("poste_en_nettoyage", retry_after_s=desk.CLEANING_S)


def does_what_it_should(tx: Transaction, poste_id: int) -> bool:
    """Whether a poste has acknowledged all that it was told."""
    wanted = select(desired.c.applied_rev >= desired.c.rev).where(desired.c.poste_id == poste_id)
    return bool(tx.execute(wanted).scalar_one_or_none())


def tell_again(tx: Transaction, site_id: int, poste_id: int) -> None:
    """A poste that refused a session because its own earlier files were being wiped can take it now."""
    here = outbox.of_poste(tx, poste_id)
    if here.session is not None and here.applied_rev < here.rev and came_back(tx, here, here.applied_rev):
        outbox.bump(tx, site_id, poste_id, here.reason or domain.REASON)


def came_back(tx: Transaction, here: Wanted, rev: int) -> bool:
    """Whether the session at a poste was brought back there, by undoing its end or by a move, after a rev."""
    session = here.session
    if session is None:
        return False
    return session.reason == domain.REASON or transfers.came_after(tx, session.id, here.poste_id, rev)
