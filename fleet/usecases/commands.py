"""One-shot orders to a poste: now, when it is there, or kept in the database until it is back.

`wake` alone goes to one that is not there: the controller sends it a magic packet, never a message.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, update

from fleet.database import places, sessions
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.news import COMMANDS
from fleet.database.tables import command
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import desk
from fleet.usecases.fleet import Fleet
from protocol import codec

When = Literal["now", "back"]
WAKE = "wake"
OPS = ("message", "identify", "lock", "reboot", "shutdown", "clean", "resync", "update", WAKE)
TTL_MS = 30_000
LONGEST_TEXT = 500
KEPT_FOR = timedelta(days=1)
"""How long an order waits for a poste that is away."""
MOST_WAITING = 10
"""How many orders wait for one poste at most."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class NewCommand:
    """What a poste is told to do, once. `message` has its `text`, `update` its `version` and `sha256`, and
    `downgrade` where an older version is meant.
    """

    poste_id: int
    op: str
    args: dict[str, Any] = field(default_factory=dict)
    when: When = "now"


@dataclass(frozen=True)
class Sent:
    """A command that was taken; `waits` while its poste is away."""

    id: str
    waits: bool


def send(fleet: Fleet, actor: Actor, new: NewCommand) -> Sent:
    """Order this to a poste; the controller sends it after the commit, or when the poste is back.

    Raises Refused, for an order of `now` when the poste is not there.
    """
    fleet.require(actor, OPERATEUR, "commande_poste", poste=new.poste_id)
    args = check(new)
    with fleet.attempt(actor, "commande_poste") as (tx, about):
        poste = places.poste(tx, new.poste_id)
        actor.require_site(poste.site_id, "poste", poste.id)
        about.site_id, about.poste_id = poste.site_id, poste.id
        boot = places.boot_online(tx, poste.id)
        waits = boot is None and new.when == "back"
        _require_possible(tx, poste, new, boot)
        made = Sent(secrets.token_hex(16), waits)
        _keep(tx, actor, poste, new, args, boot, made)
        facts = {"op": new.op, "commande": made.id, **({"quand": "retour"} if waits else {})}
        tx.record(desk.entry("commande_poste", about, actor, metadata=facts))
        tx.tell(poste.site_id, COMMANDS)
        return made


def postes_of(fleet: Fleet, actor: Actor, site_id: int) -> dict[str, int]:
    """The postes of a site of the actor's: slug to id. Raises NotFound."""
    fleet.require_site(actor, site_id)
    with fleet.database.read() as tx:
        places.site(tx, site_id)
        return places.postes(tx, site_id)


def _keep(
    tx: Transaction,
    actor: Actor,
    poste: Row[Any],
    new: NewCommand,
    args: dict[str, Any],
    boot: str | None,
    made: Sent,
) -> None:
    values = {
        "id": made.id,
        "site_id": poste.site_id,
        "poste_id": poste.id,
        "op": new.op,
        "args": {"mac": poste.mac_address} if new.op == WAKE else args,
        "boot": boot,
        "issued_at": tx.now,
        "ttl_ms": TTL_MS,
        "statut": "attend" if made.waits else "a_envoyer",
        "expire_a": tx.now + KEPT_FOR if new.when == "back" else None,
        "operateur_id": actor.operateur_id,
        "updated_at": tx.now,
    }
    tx.execute(insert(command).values(**values))


def check(new: NewCommand) -> dict[str, Any]:
    """The arguments as they will be sent. Raises Invalid for an order that does not exist, or lacks one."""
    if new.op not in OPS:
        raise Invalid("op", "valeur_invalide", regle=" | ".join(OPS))
    if new.op == WAKE and new.when == "back":
        raise Invalid("quand", "valeur_invalide", regle="« maintenant » pour réveiller un poste")
    if new.op == "message":
        return {"text": _text(new.args.get("text"))}
    if new.op == "update":
        return _update(new.args)
    return {}


def _text(typed: object) -> str:
    text = codec.plain(typed) if isinstance(typed, str) else ""
    if not 0 < len(text.strip()) <= LONGEST_TEXT or len(text) > LONGEST_TEXT:
        raise Invalid("texte", "valeur_invalide", regle=f"de 1 à {LONGEST_TEXT} caractères")
    return text


def _update(args: Mapping[str, Any]) -> dict[str, Any]:
    version, sha256 = args.get("version"), args.get("sha256")
    if not isinstance(version, str) or not 0 < len(version) <= 64 or not version.isprintable():
        raise Invalid("version", "valeur_invalide", regle="de 1 à 64 caractères")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise Invalid("sha256", "valeur_invalide", regle="64 chiffres hexadécimaux, en minuscules")
    return {
        "version": version,
        "sha256": sha256,
        **({"downgrade": True} if args.get("downgrade") is True else {}),
    }


def _require_possible(tx: Transaction, poste: Row[Any], new: NewCommand, boot: str | None) -> None:
    if new.op == WAKE:
        if boot is not None:
            raise Refused("poste_allume")
        if poste.mac_address is None:
            raise Refused("sans_adresse_mac")
        return
    if boot is None and new.when == "now":
        raise Refused("poste_hors_ligne")
    if new.op in ("clean", "update") and new.when == "now" and sessions.is_taken(tx, poste.id):
        raise Refused("poste_occupe")
    if boot is None and _waiting_for(tx, poste.id) >= MOST_WAITING:
        raise Refused("trop_de_commandes", limite=MOST_WAITING)


def _waiting_for(tx: Transaction, poste_id: int) -> int:
    waits = (command.c.poste_id == poste_id, command.c.statut == "attend", command.c.expire_a > tx.now)
    return int(tx.execute(select(func.count()).select_from(command).where(*waits)).scalar_one())


def withdraw(fleet: Fleet, actor: Actor, order_id: str) -> None:
    """Take back an order that waits for its poste. Raises NotFound, and Refused for one that is on its way or over."""
    with fleet.database.glance() as tx:
        told = tx.execute(select(command.c.poste_id).where(command.c.id == order_id)).scalar_one_or_none()
    fleet.require(actor, OPERATEUR, "commande_poste", poste=told)
    with fleet.attempt(actor, "commande_poste") as (tx, about):
        order = tx.execute(select(command).where(command.c.id == order_id)).one_or_none()
        if order is None:
            raise NotFound("commande")
        actor.require_site(order.site_id, "commande")
        about.site_id, about.poste_id = order.site_id, order.poste_id
        waits = (command.c.id == order_id, command.c.statut == "attend", command.c.expire_a > tx.now)
        taken = update(command).where(*waits).values(statut="cancelled", updated_at=tx.now)
        if tx.execute(taken).rowcount == 0:
            raise Refused("commande_partie")
        facts = {"op": order.op, "commande": order_id, "fait": "annulation"}
        tx.record(desk.entry("commande_poste", about, actor, metadata=facts))


def waiting(fleet: Fleet, site_id: int) -> set[int]:
    """The postes of a site that orders wait for."""
    mine = (command.c.site_id == site_id, command.c.statut == "attend")
    with fleet.database.glance() as tx:
        return set(tx.execute(select(command.c.poste_id).where(*mine).distinct()).scalars())


def release(fleet: Fleet, lease: Lease, boots: Mapping[int, str]) -> None:
    """These postes are back, with these starts of their machines: what waits for them is to be sent.

    What has waited too long for any poste of the site is over.
    """
    mine = (command.c.site_id == lease.site_id, command.c.statut == "attend")
    with fleet.database.transaction(lease) as tx:
        late = update(command).where(*mine, command.c.expire_a <= tx.now)
        tx.execute(late.values(statut="expired", motif="poste_hors_ligne", updated_at=tx.now))
        for poste_id, boot in sorted(boots.items()):
            back = update(command).where(*mine, command.c.poste_id == poste_id)
            tx.execute(back.values(statut="a_envoyer", boot=boot, issued_at=tx.now, updated_at=tx.now))
        tx.tell(lease.site_id, COMMANDS)
