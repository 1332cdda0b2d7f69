"""What operators do with their own account. What could lock them out asks for the password once more."""

from typing import Any

from sqlalchemy import Row, select, update

from fleet.database.audit import Entry
from fleet.database.tables import operateur
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import login_tries, logins, passwords, second_factor
from fleet.usecases.fleet import Fleet
from fleet.usecases.second_factor import Enrolment


def change_password(fleet: Fleet, actor: Actor, current: str, new: str) -> None:
    """One's own password, by who knows the one it replaces; ends every login. Raises Refused, Invalid."""
    row = _prove(fleet, actor, "actuel", current)
    stored = passwords.hashed(new, "nouveau")
    with fleet.attempt(actor, "modification_operateur") as (tx, _about):
        still = (operateur.c.id == row.id, operateur.c.mot_de_passe == row.mot_de_passe)
        stamps = {"updated_at": tx.now, "version": operateur.c.version + 1}
        done = tx.execute(update(operateur).where(*still).values(mot_de_passe=stored, **stamps))
        if done.rowcount != 1:
            raise Refused("modifie_entre_temps")
        logins.end_all(tx, row.id)
        facts = {"operateur": row.id, "champs": ["mot_de_passe"]}
        tx.record(_entry(actor, "modification_operateur", facts))


def enrol(fleet: Fleet, actor: Actor, password: str) -> Enrolment:
    """A key for a second factor of one's own. Raises Refused, Invalid."""
    _prove(fleet, actor, "mot_de_passe", password)
    return second_factor.enrol(fleet, actor)


def _prove(fleet: Fleet, actor: Actor, field: str, password: str) -> Row[Any]:
    """The account, by who knows its password: a token that was stolen is not enough, and guesses are slowed down."""
    key = login_tries.key(f"#{actor.operateur_id}", actor.ip or "")
    with fleet.database.read() as tx:
        row = tx.execute(select(operateur).where(operateur.c.id == actor.operateur_id)).first()
        login_tries.check(tx, key)
    if row is None:
        raise NotFound("operateur")
    known = passwords.matches(row.mot_de_passe, password)
    with fleet.database.transaction() as tx:
        if known:
            login_tries.forget(tx, key)
            return row
        login_tries.failed(tx, key)
        tx.record(_entry(actor, "refus", {"tentative": "compte", "motif": "mot_de_passe_refuse"}))
    raise Invalid(field, "mot_de_passe_refuse")


def _entry(actor: Actor, action: str, facts: dict[str, Any]) -> Entry:
    personal = {"ip": actor.ip} if actor.ip else None
    return Entry(action, operateur_id=actor.operateur_id, metadata=facts, personal=personal)
