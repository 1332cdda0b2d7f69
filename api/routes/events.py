"""The same stream for programs that read plain HTTP, and for pages behind a proxy that lets no WebSocket through."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar import Router, get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response.sse import ServerSentEventMessage
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Send
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import missed
from api.auth import PUBLIC, address, authenticated, bearer, by_ticket
from api.calls import Call
from api.events import Event
from api.limits import UNLIMITED
from api.live import CLOSE_S, Live, Over, Reader, until_one_ends
from api.missed import Position
from api.parameters import Number
from api.stand_in_talk import error
from fleet.database.failures import described
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.domain.errors import Refused
from fleet.usecases import session_views

log = logging.getLogger(__name__)
MEDIA_TYPE = "text/event-stream"
PING_S = 15.0
"""How often something is said though nothing happens: proxies keep the line open, and a page that is gone is seen."""
_HEADERS = {"cache-control": "no-store, private", "x-accel-buffering": "no"}

After = Annotated[
    str | None,
    QueryParameter(
        max_length=missed.LONGEST, description="position où reprendre, comme `st-denis:120,le-tampon:4`"
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", max_length=missed.LONGEST, description="la même, dite par le navigateur"
    ),
]
Patience = Annotated[
    int | None,
    QueryParameter(ge=0, le=600, description="secondes d’écoute ; 0 : ce qui a été manqué, puis la fin"),
]
Ticket = Annotated[
    str | None,
    QueryParameter(max_length=200, description="billet de `/auth/ws_ticket/`, pour une page de navigateur"),
]


@get(
    "/",
    media_type=MEDIA_TYPE,
    opt={PUBLIC: True, UNLIMITED: True},
    security=[{"bearer": []}],
    summary="Suivre ce qui se passe",
)
async def follow(
    request: Call,
    session: Number = None,
    apres: After = None,
    last_event_id: LastEventId = None,
    duree: Patience = None,
    ticket: Ticket = None,
) -> "Stream":
    """Server-sent events: what `/ws/sessions/` tells, of one session or of all that the operator may see.

    Each carries a position as its id. Who comes back with it, as browsers do, misses nothing; what is too far back
    is told as `reload`: read the lists again. It ends with the access token, and then wants the next one.
    """
    shared, ip = request.shared, address(request.scope)
    known = by_ticket(shared, ticket, ip) if ticket else authenticated(shared, bearer(request.scope), ip)
    actor, claims = await known
    shared.limits.known(actor)
    live: Live = request.app.state.live
    live.check_room(actor)
    if session is not None:
        await shared.work.run(lambda: session_views.one(shared.fleet, actor, session))
    after = _position(apres, last_event_id)
    until = claims.expires_at
    if duree is not None:
        until = min(until, datetime.now(UTC) + timedelta(seconds=duree))
    return Stream(request, actor, session, after, until)


def _position(apres: str | None, last_event_id: str | None) -> Position | None:
    """What the browser says is newer than what the address says."""
    if last_event_id is not None:
        return missed.position("Last-Event-ID", last_event_id)
    return None if apres is None else missed.position("apres", apres)


class Stream(ASGIStreamingResponse):
    """Tells one page, until its time is over, it is gone, or it does not keep up."""

    def __init__(
        self, call: Call, actor: Actor, session_id: int | None, after: Position | None, until: datetime
    ) -> None:
        super().__init__(iterator=(), media_type=MEDIA_TYPE, headers=dict(_HEADERS))
        self._shared = call.shared
        self._live: Live = call.app.state.live
        self._actor, self._session_id, self._after, self._until = actor, session_id, after, until

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Tell all there is to tell."""
        last = b""
        try:
            async with self._live.joined(self._actor, self._session_id) as reader:
                await until_one_ends(self._tell(send, reader), _left(receive), reader.ended())
        except (Over, Refused) as over:
            last = _written(error(over.reason, reasons.sentence(over.reason)))
        except (DBAPIError, PoolTimeout) as failed:
            log.warning("live_cut", extra=described(failed))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _tell(self, send: Send, reader: Reader) -> None:
        position: dict[str, int] = {}
        async for event in missed.told(self._shared, reader, self._after):
            await _send(send, event, position)
        while (left := (self._until - datetime.now(UTC)).total_seconds()) > 0:
            try:
                event = await asyncio.wait_for(reader.queue.get(), min(PING_S, left))
            except TimeoutError:
                await _send_bytes(send, b": \r\n\r\n")
            else:
                await _send(send, event, position)
        while not reader.queue.empty():
            await _send(send, reader.queue.get_nowait(), position)


async def _send(send: Send, event: Event, position: dict[str, int]) -> None:
    position.update(event.position)
    await _send_bytes(send, _written(event.payload, missed.written(position) if event.position else None))


async def _send_bytes(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


def _written(payload: bytes, position: str | None = None) -> bytes:
    return ServerSentEventMessage(payload, id=position).encode()


async def _left(receive: Receive) -> None:
    """Wait until the page is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


router = Router("/events", route_handlers=[follow], tags=["events"])
