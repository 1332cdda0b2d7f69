"""Whether a code would open a poste, asked without using it. Wrong ones count as wrong tries of that poste."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Row

from fleet.database import sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Forbidden, Foreign, NotFound, Refused
from fleet.usecases import guessing, kiosk
from fleet.usecases.fleet import Fleet

_ACTION = "validation_code"
_NO_REQUEST = ""
_DRY_BOOT = "validate"


class CodeAnswer(Struct, frozen=True, kw_only=True):
    """Yes with the time that the code would open, or no with the reason in words."""

    valide: bool
    session: int | None = None
    temps_restant: int | None = None
    motif: str | None = None
    motif_texte: str | None = None
    reessayer_dans: int | None = None


class _Undone(Exception):
    """The answer is known, and nothing of the way to it is kept."""

    def __init__(self, answer: CodeAnswer) -> None:
        self.answer = answer
        super().__init__()


def validate(fleet: Fleet, actor: Actor, poste_id: int, typed: str) -> CodeAnswer:
    """Whether this code, typed at this poste now, would open it; asked with its credential or from its address.

    Raises NotFound for a poste of another site, Forbidden from another address or for a lecteur, Refused while it
    must wait.
    """
    if actor.poste_id is None:
        fleet.require(actor, OPERATEUR, _ACTION, poste=poste_id)
    try:
        with fleet.guarded(actor, _ACTION), fleet.database.transaction() as tx:
            raise _Undone(_would_open(fleet, tx, actor, poste_id, typed))
    except _Undone as undone:
        return undone.answer
    except NotFound:
        raise
    except Forbidden as refusal:
        fleet.keep_refusal(actor, _ACTION, fleet.about("poste", poste_id), refusal)
        raise
    except Refused as refusal:
        wait_s = _count(fleet, actor, poste_id, refusal)
        if refusal.reason == "trop_d_essais":
            raise
        return CodeAnswer(
            valide=False, motif=refusal.reason, motif_texte=refusal.said, reessayer_dans=wait_s or None
        )


def _would_open(fleet: Fleet, tx: Transaction, actor: Actor, poste_id: int, typed: str) -> CodeAnswer:
    """Start the session as if the visitor had typed the code here: the same rules, to the letter."""
    context = kiosk.context_of(tx, poste_id, _NO_REQUEST)
    actor.require_site(context.poste.site_id, "poste", poste_id)
    _require_there(actor, context.poste)
    wait_s = context.tries.wait_s(tx.now)
    if wait_s:
        raise Refused("trop_d_essais", retry_after_s=wait_s)
    kiosk.require_usable(context.poste)
    found = kiosk.by_code(fleet, tx, typed)
    opened = kiosk.opened(tx, context, found, _DRY_BOOT)
    if sessions.on_poste(tx, poste_id) not in (None, found):
        raise Refused("poste_occupe")
    return CodeAnswer(valide=True, session=opened.id, temps_restant=-(-opened.remaining_ms(tx.now) // 1000))


def _require_there(actor: Actor, poste: Row[Any]) -> None:
    """Who asks is that poste: by its own credential, or by its registered address."""
    if actor.poste_id is not None:
        if actor.poste_id != poste.id:
            raise Foreign("poste", poste.site_id, poste.id)
    elif actor.ip is None or actor.ip != poste.ip_address:
        raise Forbidden("adresse_refusee")


def _count(fleet: Fleet, actor: Actor, poste_id: int, refusal: Refused) -> int:
    if refusal.reason not in guessing.GUESSES:
        return 0
    with fleet.database.transaction() as tx:
        context = kiosk.context_of(tx, poste_id, _NO_REQUEST)
        made = kiosk.count_wrong(tx, poste_id)
        guessing.watch(tx, context.poste.site_id, context.rules.policy)
        facts = {"motif": refusal.reason, "par": "http"}
        site_id, who = context.poste.site_id, actor.operateur_id
        tx.record(Entry("echec_code", site_id, operateur_id=who, poste_id=poste_id, metadata=facts))
        return made.wait_s(tx.now)
