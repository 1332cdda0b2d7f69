"""What a program that stands in for a poste does over HTTP: say that it lives, start a session by its code.

The rules are those of `fleet.usecases.kiosk`, to the letter. Nothing here counts as presence on MQTT; where the
poste's own agent is there, it is the one that opens and confirms, as when the desk starts a session.
"""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from fleet.database import outbox, places
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.domain.errors import Forbidden, Foreign
from fleet.usecases import acks, kiosk, poste_credentials
from fleet.usecases.desired import message
from fleet.usecases.fleet import Fleet
from fleet.usecases.kiosk import Yes
from protocol import messages

BOOT = "http"
"""The start of a machine of which nobody is told more."""
_NO_TERM = 0


class EtatVoulu(Struct, frozen=True, kw_only=True):
    """What the poste should do, as of `maintenant`. The session ends `grace` seconds after its time."""

    poste: str
    rev: int
    phase: str
    session: int | None
    temps_restant: int
    grace: int
    motif: str | None
    motif_texte: str | None
    maintenant: datetime


@dataclass(frozen=True)
class Beat:
    """What the program says that its poste does: the rev it holds, the session that it has open, the time left."""

    rev: int | None = None
    session_id: int | None = None
    left_s: int | None = None


def heartbeat(fleet: Fleet, actor: Actor, poste_id: int, told: Beat) -> EtatVoulu:
    """The program lives. With rev, session and time it says that it has opened: the start is confirmed by that.

    Raises NotFound for another poste, Forbidden for who is no poste.
    """
    with fleet.attempt(actor, "signe_de_vie") as (tx, about):
        site_id = int(places.poste(tx, poste_id).site_id)
        about.poste_id, about.site_id = poste_id, site_id
        _require(actor, poste_id, site_id)
        poste_credentials.note_use(tx, poste_id)
        has_agent = places.boot_online(tx, poste_id) is not None
    if told.rev is not None and not has_agent:
        acks.applied(fleet, acks.At(site_id), [(poste_id, _ack(told, told.rev))])
    with fleet.database.read() as tx:
        return state(Yes(outbox.of_poste(tx, poste_id), tx.now))


def _ack(told: Beat, rev: int) -> messages.Ack:
    return messages.Ack(
        id=acks.DESIRED,
        boot=BOOT,
        status="done",
        term=_NO_TERM,
        rev=rev,
        session=None if told.session_id is None else str(told.session_id),
        remaining_ms=None if told.left_s is None else told.left_s * 1000,
    )


def start(fleet: Fleet, actor: Actor, code: str, request_id: str) -> EtatVoulu:
    """A visitor typed a code at the poste. The same request gets the same answer. Raises Refused."""
    if actor.poste_id is None:
        raise Forbidden("reserve_au_poste")
    poste_id = actor.poste_id
    with fleet.database.transaction() as tx:
        boot = places.boot_online(tx, poste_id) or BOOT
        poste_credentials.note_use(tx, poste_id)
    asked = messages.Start(id=request_id, nonce=request_id, boot=boot, code=code)
    return state(kiosk.start(fleet, None, poste_id, asked))


def state(yes: Yes) -> EtatVoulu:
    """What a poste should do, in words of the API."""
    told = message(yes.wanted, _NO_TERM, yes.now)
    return EtatVoulu(
        poste=yes.wanted.slug,
        rev=told.rev,
        phase=told.phase,
        session=None if yes.wanted.session is None else yes.wanted.session.id,
        temps_restant=-(-told.remaining_ms // 1000),
        grace=-(-told.grace_ms // 1000),
        motif=told.reason,
        motif_texte=None if told.reason is None else reasons.sentence(told.reason),
        maintenant=told.computed_at,
    )


def _require(actor: Actor, poste_id: int, site_id: int) -> None:
    actor.require_site(site_id, "poste", poste_id)
    if actor.poste_id is None:
        raise Forbidden("reserve_au_poste")
    if actor.poste_id != poste_id:
        raise Foreign("poste", site_id, poste_id)
