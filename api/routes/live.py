"""The WebSocket: a page says who it is, then hears what happens."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Router, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import missed, origin, stand_in_talk
from api.auth import PUBLIC, address, authenticated, by_ticket, poste_of
from api.errors import Unauthenticated
from api.events import Event
from api.live import CLOSE_S, STOPPED, TOO_SLOW, UNAUTHENTICATED, Live, Over, Reader, until_one_ends
from api.missed import Position
from api.parameters import PathId
from api.state import Shared
from api.tokens import Claims
from fleet.database.failures import described
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import session_views
from fleet.usecases.poste_credentials import PREFIX

log = logging.getLogger(__name__)
FIRST_MESSAGE_S = 5.0
FOREIGN_ORIGIN, UNKNOWN, INVALID, TOO_MANY, TOO_LARGE = 4403, 4404, 4422, 4429, 1009
LARGEST = missed.LONGEST + 4_096
"""Of a message: that of a page that comes back has its position, and a token."""
SILENT_POSTE_S = 120.0
Socket = WebSocket[Any, Any, Any]
_encode = msgspec.json.Encoder().encode


@websocket("/sessions")
async def all_sessions(socket: Socket) -> None:
    """All that the operator may see."""
    await _serve(socket, None)


@websocket("/sessions/{session_id:int}")
async def one_session(socket: Socket, session_id: PathId) -> None:
    """One session."""
    await _serve(socket, session_id)


async def _serve(socket: Socket, session_id: int | None) -> None:
    if origin.is_ours(socket, _shared(socket).settings) is False:
        await socket.close(FOREIGN_ORIGIN)
        return
    await socket.accept()
    try:
        token, position = await _greeting(socket)
        if token is not None and token.startswith(PREFIX) and session_id is None:
            await _stand_in(socket, token)
        else:
            await _page(socket, token, position, session_id)
    except WebSocketDisconnect:
        return
    except Unauthenticated as refused:
        await _close(socket, Over(UNAUTHENTICATED, refused.reason))
    except Over as over:
        await _close(socket, over)
    except (DBAPIError, PoolTimeout) as error:
        log.warning("live_cut", extra=described(error))
        await _close(socket, Over(STOPPED, "service_indisponible"))


async def _page(socket: Socket, token: str | None, position: str | None, session_id: int | None) -> None:
    shared, live = _shared(socket), _live(socket)
    actor, claims = await _known(socket, token)
    try:
        shared.limits.known(actor)
        after = None if position is None else missed.position("apres", position)
        async with live.joined(actor, session_id) as reader:
            await _talk(socket, reader, claims, after)
    except NotFound:
        raise Over(UNKNOWN, "introuvable") from None
    except Invalid as refused:
        raise Over(INVALID, refused.reason) from None
    except Refused as refused:
        raise Over(TOO_MANY, refused.reason) from None


async def _known(socket: Socket, token: str | None) -> tuple[Actor, Claims]:
    ticket = socket.query_params.get("ticket")
    if ticket is not None:
        return await by_ticket(_shared(socket), ticket, address(socket.scope))
    return await authenticated(_shared(socket), token, address(socket.scope))


async def _stand_in(socket: Socket, credential: str) -> None:
    """A program that stands in for a poste: it asks, it is answered."""
    shared, ip = _shared(socket), address(socket.scope)
    actor = await poste_of(shared, credential, ip)
    await socket.send_data(stand_in_talk.welcome(actor).decode(), "text")
    while True:
        try:
            said = await asyncio.wait_for(_receive(socket), SILENT_POSTE_S)
        except TimeoutError:
            raise Over(TOO_SLOW, "trop_lent") from None
        answered = await stand_in_talk.answer(shared, credential, ip, said)
        await socket.send_data(answered.decode(), "text")


async def _greeting(socket: Socket) -> tuple[str | None, str | None]:
    """The access token and the position, in the address or in the first message. With a ticket there is no token."""
    asked = socket.query_params
    if "ticket" in asked or "token" in asked:
        return asked.get("token"), asked.get("apres")
    try:
        first = await asyncio.wait_for(_receive(socket), FIRST_MESSAGE_S)
    except TimeoutError:
        return None, None
    if first.get("type") != "auth":
        return None, None
    return _word(first.get("token")), _word(first.get("apres")) or asked.get("apres")


def _word(said: object) -> str | None:
    return said if isinstance(said, str) else None


async def _talk(socket: Socket, reader: Reader, claims: Claims, after: Position | None) -> None:
    """Until the page is gone. Raises Over, or WebSocketDisconnect."""
    await until_one_ends(_send(socket, reader, after), _listen(socket, reader, claims), reader.ended())


async def _send(socket: Socket, reader: Reader, after: Position | None) -> None:
    async for event in missed.told(_shared(socket), reader, after):
        await socket.send_data(event.payload.decode(), "text")
    while True:
        await socket.send_data((await reader.queue.get()).payload.decode(), "text")


async def _listen(socket: Socket, reader: Reader, claims: Claims) -> None:
    """Answer the page, until its token is over; `auth` with a new one prolongs."""
    while True:
        left = (claims.expires_at - datetime.now(UTC)).total_seconds()
        try:
            said = await asyncio.wait_for(_receive(socket), max(0.0, left))
        except TimeoutError:
            raise Over(UNAUTHENTICATED, "jeton_refuse") from None
        if said.get("type") == "auth":
            claims = await _renewed(socket, reader, said)
        else:
            reader.put(Event(0, None, await _answer(socket, reader, said)))


async def _renewed(socket: Socket, reader: Reader, said: dict[str, Any]) -> Claims:
    ip = address(socket.scope)
    try:
        reader.actor, claims = await authenticated(_shared(socket), _word(said.get("token")), ip)
    except Unauthenticated as refused:
        raise Over(UNAUTHENTICATED, refused.reason) from None
    return claims


async def _answer(socket: Socket, reader: Reader, said: dict[str, Any]) -> bytes:
    shared = _shared(socket)
    try:
        shared.limits.known(reader.actor)
        wanted = said.get("session", reader.session_id)
        match said.get("type"):
            case "heartbeat":
                return _encode({"type": "heartbeat", "at": datetime.now(UTC)})
            case "get_time" if type(wanted) is int and 0 < wanted < 2**63:
                seen = await shared.work.run(lambda: session_views.one(shared.fleet, reader.actor, wanted))
                return _encode({"type": "time_update", "site": seen.site, "session": seen})
        # validate_code and start_session are for programs that stand in for a poste: see `stand_in_talk`.
        raise Refused("demande_invalide", regle="heartbeat, get_time ou auth")
    except Refused as refused:
        return stand_in_talk.refusal(refused)


async def _receive(socket: Socket) -> dict[str, Any]:
    data = await socket.receive_data("text")
    if len(data) > LARGEST:
        raise Over(TOO_LARGE, "trop_grand")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


async def _close(socket: Socket, over: Over) -> None:
    """Say why and close; a page that reads nothing is not waited for."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if over.code != TOO_SLOW:
                said = stand_in_talk.error(over.reason, reasons.sentence(over.reason))
                await socket.send_data(said.decode(), "text")
            await socket.close(over.code, over.reason)
    except (TimeoutError, WebSocketDisconnect):
        return


def _shared(socket: Socket) -> Shared:
    shared: Shared = socket.app.state.shared
    return shared


def _live(socket: Socket) -> Live:
    live: Live = socket.app.state.live
    return live


router = Router("/ws", route_handlers=[all_sessions, one_session], opt={PUBLIC: True})
