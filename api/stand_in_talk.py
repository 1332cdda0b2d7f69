"""What a program that stands in for a poste says on the WebSocket, and what it is answered.

It hears no events, for they name people: each `heartbeat` is answered with what the poste should do. The
credential is looked up with each message, so that a revoked one is over at once.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from api.auth import poste_of
from api.state import Shared
from fleet.domain.actor import Actor
from fleet.domain.errors import Refused
from fleet.usecases import codes, stand_in
from fleet.usecases.fleet import Fleet
from fleet.usecases.stand_in import Beat

_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Code = Annotated[str, Meta(min_length=1, max_length=32)]
_RequestId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
_RULE = "heartbeat, validate_code ou start_session, avec leurs champs"
_encode = msgspec.json.Encoder().encode


class _Heartbeat(Struct, frozen=True, tag="heartbeat"):
    rev: _Number | None = None
    session: _Number | None = None
    temps_restant: _Number | None = None


class _Validate(Struct, frozen=True, tag="validate_code"):
    code: _Code


class _Start(Struct, frozen=True, tag="start_session"):
    code: _Code
    id: _RequestId | None = None


_Said = _Heartbeat | _Validate | _Start


def welcome(actor: Actor) -> bytes:
    """The first message to a program that stands in for a poste."""
    return _encode({"type": "connection_established", "poste": actor.poste_id, "at": datetime.now(UTC)})


async def answer(shared: Shared, credential: str, ip: str | None, said: dict[str, Any]) -> bytes:
    """What this message is answered. Raises Unauthenticated."""
    actor = await poste_of(shared, credential, ip)
    try:
        shared.limits.known(actor)
        work = _work(shared.fleet, actor, actor.poste_id or 0, _asked(said))
        return _encode(await shared.work.run(work))
    except Refused as refused:
        return refusal(refused)


def _asked(said: dict[str, Any]) -> _Said:
    try:
        asked: _Said = msgspec.convert(said, _Said)
    except msgspec.ValidationError:
        raise Refused("demande_invalide", regle=_RULE) from None
    return asked


def refusal(refused: Refused) -> bytes:
    """What somebody on a WebSocket hears of a refusal."""
    return error(refused.reason, refused.fr, refused.retry_after_s)


def error(reason: str, detail: str, retry_after_s: int | None = None) -> bytes:
    """What somebody on a WebSocket hears of an error; when to try again in seconds, if that is known."""
    return _encode({"type": "error", "reason": reason, "detail": detail, "retry_after": retry_after_s})


def _work(fleet: Fleet, actor: Actor, poste_id: int, asked: _Said) -> Callable[[], dict[str, Any]]:
    def heartbeat(told: _Heartbeat) -> dict[str, Any]:
        beat = Beat(told.rev, told.session, told.temps_restant)
        return {"type": "heartbeat", "etat": stand_in.heartbeat(fleet, actor, poste_id, beat)}

    def validate(told: _Validate) -> dict[str, Any]:
        return {"type": "validate_code", "reponse": codes.validate(fleet, actor, poste_id, told.code)}

    def start(told: _Start) -> dict[str, Any]:
        request_id = told.id or secrets.token_hex(16)
        return {"type": "session_started", "etat": stand_in.start(fleet, actor, told.code, request_id)}

    match asked:
        case _Heartbeat():
            return lambda: heartbeat(asked)
        case _Validate():
            return lambda: validate(asked)
        case _Start():
            return lambda: start(asked)
