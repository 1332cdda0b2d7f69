"""The WebSocket: a page says who it is, then hears what happens."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Router, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from api import origin, stand_in_talk
from api.auth import PUBLIC, address, authenticated, by_ticket, poste_of
from api.errors import Unauthenticated
from api.live import Live, Reader
from api.parameters import PathId
from api.state import Shared
from api.tokens import Claims
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.usecases import session_views
from fleet.usecases.poste_credentials import PREFIX

FIRST_MESSAGE_S = 5.0
CLOSE_S = 1.0
UNAUTHENTICATED, FOREIGN_ORIGIN, UNKNOWN, TOO_SLOW, TOO_LARGE = 4401, 4403, 4404, 1013, 1009
LARGEST = 8192
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


class _Over(Exception):
    """The conversation is over, with this close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


async def _serve(socket: Socket, session_id: int | None) -> None:
    if origin.is_ours(socket, _shared(socket).settings) is False:
        await socket.close(FOREIGN_ORIGIN)
        return
    await socket.accept()
    try:
        token = None if "ticket" in socket.query_params else await _token(socket)
        if token is not None and token.startswith(PREFIX) and session_id is None:
            await _stand_in(socket, token)
        else:
            actor, claims = await _known(socket, token)
            await _check_session(socket, actor, session_id)
            await _talk(socket, actor, claims, session_id)
    except WebSocketDisconnect:
        return
    except Unauthenticated as refused:
        await _close(socket, _Over(UNAUTHENTICATED, refused.reason))
    except _Over as over:
        await _close(socket, over)


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
            raise _Over(TOO_SLOW, "trop_lent") from None
        answered = await stand_in_talk.answer(shared, credential, ip, said)
        await socket.send_data(answered.decode(), "text")


async def _token(socket: Socket) -> str | None:
    """The access token in the address, or in the first message."""
    token: str | None = socket.query_params.get("token")
    if token is not None:
        return token
    try:
        first = await asyncio.wait_for(_receive(socket), FIRST_MESSAGE_S)
    except TimeoutError:
        return None
    said = first.get("token") if first.get("type") == "auth" else None
    return said if isinstance(said, str) else None


async def _check_session(socket: Socket, actor: Actor, session_id: int | None) -> None:
    if session_id is None:
        return
    shared = _shared(socket)
    try:
        await shared.work.run(lambda: session_views.one(shared.fleet, actor, session_id))
    except NotFound:
        raise _Over(UNKNOWN, "introuvable") from None


async def _talk(socket: Socket, actor: Actor, claims: Claims, session_id: int | None) -> None:
    live: Live = socket.app.state.live
    reader = await live.join(actor, session_id)
    try:
        reader.put(
            _encode(
                {"type": "connection_established", "operateur": actor.operateur_id, "at": datetime.now(UTC)}
            )
        )
        tasks = [
            asyncio.create_task(_send(socket, reader), name="live-send"),
            asyncio.create_task(_listen(socket, reader, claims), name="live-listen"),
            asyncio.create_task(reader.slow.wait(), name="live-slow"),
            asyncio.create_task(reader.gone.wait(), name="live-gone"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        live.leave(reader)
    if reader.gone.is_set():
        raise _Over(UNAUTHENTICATED, "jeton_refuse")
    if reader.slow.is_set():
        raise _Over(TOO_SLOW, "trop_lent")
    for task in done:
        task.result()


async def _send(socket: Socket, reader: Reader) -> None:
    while True:
        await socket.send_data((await reader.queue.get()).decode(), "text")


async def _listen(socket: Socket, reader: Reader, claims: Claims) -> None:
    """Answer the page, until its token is over; `auth` with a new one prolongs."""
    while True:
        left = (claims.expires_at - datetime.now(UTC)).total_seconds()
        try:
            said = await asyncio.wait_for(_receive(socket), max(0.0, left))
        except TimeoutError:
            raise _Over(UNAUTHENTICATED, "jeton_refuse") from None
        if said.get("type") == "auth":
            claims = await _renewed(socket, reader, said)
        else:
            reader.put(await _answer(socket, reader, said))


async def _renewed(socket: Socket, reader: Reader, said: dict[str, Any]) -> Claims:
    token = said.get("token")
    try:
        given = token if isinstance(token, str) else None
        reader.actor, claims = await authenticated(_shared(socket), given, address(socket.scope))
    except Unauthenticated as refused:
        raise _Over(UNAUTHENTICATED, refused.reason) from None
    return claims


async def _answer(socket: Socket, reader: Reader, said: dict[str, Any]) -> bytes:
    kind = said.get("type")
    if kind == "heartbeat":
        return _encode({"type": "heartbeat", "at": datetime.now(UTC)})
    wanted = said.get("session", reader.session_id)
    if kind == "get_time" and type(wanted) is int and 0 < wanted < 2**63:
        shared = _shared(socket)
        try:
            seen = await shared.work.run(lambda: session_views.one(shared.fleet, reader.actor, wanted))
        except NotFound as refused:
            return _error(refused.reason, refused.fr)
        return _encode({"type": "time_update", "site": seen.site, "session": seen})
    # validate_code and start_session are for programs that stand in for a poste: see `stand_in_talk`.
    rule = {"regle": "heartbeat, get_time ou auth"}
    return _error("demande_invalide", reasons.sentence("demande_invalide", "fr", rule))


def _error(reason: str, detail: str) -> bytes:
    return _encode({"type": "error", "reason": reason, "detail": detail})


async def _receive(socket: Socket) -> dict[str, Any]:
    data = await socket.receive_data("text")
    if len(data) > LARGEST:
        raise _Over(TOO_LARGE, "trop_grand")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


async def _close(socket: Socket, over: _Over) -> None:
    """Say why and close; a page that reads nothing is not waited for."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if over.code != TOO_SLOW:
                await socket.send_data(_error(over.reason, reasons.sentence(over.reason)).decode(), "text")
            await socket.close(over.code, over.reason)
    except (TimeoutError, WebSocketDisconnect):
        return


def _shared(socket: Socket) -> Shared:
    shared: Shared = socket.app.state.shared
    return shared


router = Router("/ws", route_handlers=[all_sessions, one_session], opt={PUBLIC: True})
