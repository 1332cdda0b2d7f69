"""One-shot orders to a poste that is there: a message, identify, lock, restart, stop, say what you do."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from fleet.database import places
from fleet.database.audit import Entry
from fleet.database.news import COMMANDS
from fleet.database.tables import command
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, Refused
from fleet.usecases.fleet import Fleet

OPS = ("message", "identify", "lock", "reboot", "shutdown", "resync")
TTL_MS = 30_000
LONGEST_TEXT = 500


@dataclass(frozen=True)
class NewCommand:
    """What a poste is told to do, once, now. `message` has its `text`; the others have nothing."""

    poste_id: int
    op: str
    args: dict[str, Any] = field(default_factory=dict)


def send(fleet: Fleet, actor: Actor, new: NewCommand) -> str:
    """Order this to a poste; the controller sends it after the commit. Gives the id of the command.

    Raises Refused when the poste is not there: an order of this kind does not wait.
    """
    fleet.require(actor, OPERATEUR, "commande_poste")
    check(new)
    with fleet.attempt(actor, "commande_poste") as (tx, about):
        poste = places.poste(tx, new.poste_id)
        actor.require_site(poste.site_id, "poste")
        about.site_id, about.poste_id = poste.site_id, poste.id
        boot = places.boot_online(tx, poste.id)
        if boot is None:
            raise Refused("poste_hors_ligne")
        made = secrets.token_hex(16)
        values = {
            "id": made,
            "site_id": poste.site_id,
            "poste_id": poste.id,
            "op": new.op,
            "args": new.args,
            "boot": boot,
            "issued_at": tx.now,
            "ttl_ms": TTL_MS,
            "operateur_id": actor.operateur_id,
            "updated_at": tx.now,
        }
        tx.execute(insert(command).values(**values))
        tx.record(
            Entry(
                "commande_poste",
                poste.site_id,
                operateur_id=actor.operateur_id,
                poste_id=poste.id,
                metadata={"op": new.op, "commande": made},
                personal={"ip": actor.ip} if actor.ip else None,
            )
        )
        tx.tell(poste.site_id, COMMANDS)
        return made


def postes_of(fleet: Fleet, actor: Actor, site_id: int) -> dict[str, int]:
    """The postes of a site of the actor's: slug to id. Raises NotFound."""
    actor.require_site(site_id)
    with fleet.database.read() as tx:
        places.site(tx, site_id)
        return places.postes(tx, site_id)


def check(new: NewCommand) -> None:
    """Raise Invalid for an order that does not exist, or a message without its text."""
    if new.op not in OPS:
        raise Invalid("op", "valeur_invalide", regle=" | ".join(OPS))
    text = new.args.get("text")
    if new.op == "message" and not (isinstance(text, str) and 0 < len(text.strip()) <= LONGEST_TEXT):
        raise Invalid("texte", "valeur_invalide", regle=f"de 1 à {LONGEST_TEXT} caractères")
