"""The composition root of the API, and its server."""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping

import uvicorn
from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import HttpMethod
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from api import answers, correlation, errors, page, speech, unreadable
from api.auth import Authentication
from api.calls import Call
from api.edge import Edge, know_parameters
from api.limits import Limited
from api.live import Live
from api.openapi import pages
from api.parameters import page_of
from api.routes import (
    account,
    alerts,
    anchors,
    batches,
    bookings,
    bulk,
    endings,
    enrolment,
    events,
    exports,
    health,
    jobs,
    live,
    logs,
    metrics,
    occupancy,
    operateurs,
    orders,
    personal_data,
    places,
    postes,
    purges,
    queue,
    reasons,
    releases,
    reports,
    requests,
    requisitions,
    rooms,
    sessions,
    sites,
    stand_in,
    system,
    timelines,
    token,
    transfers,
    utilisateurs,
)  # fmt: skip
from api.settings import ApiSettings
from api.state import Shared
from fleet.usecases.fleet import Fleet

VERSION = "1"
GRACEFUL_S = 5
_ALL = 2
"""The generation of a collection that looks at everything."""
_DESK = (
    transfers, endings, timelines, requests, orders, bulk, rooms, batches, bookings, queue, places, events,
)  # fmt: skip
"""What the desk does beside the daily round, each in a module of its own."""

_RECORDS = (
    jobs, personal_data, purges, requisitions, reports, exports, alerts, system, metrics, releases, anchors, occupancy,
    reasons,
)  # fmt: skip
"""What is counted, kept, taken away and forgotten, and how the deployment is."""

_NOUNS = (
    token, account, operateurs, sites, postes, stand_in, enrolment, utilisateurs, sessions, logs, health, *_DESK,
    *_RECORDS,
)  # fmt: skip
_ROUTER = Router(
    "/api",
    route_handlers=[noun.router for noun in _NOUNS],
    middleware=[Edge(), Authentication(), Limited()],
    dependencies={"page": Provide(page_of, sync_to_thread=False)},
    security=[{"bearer": []}],
)
"""Put together once: Litestar copies each handler into each router that it is under, and into each application."""


def create_app(fleet: Fleet, settings: ApiSettings) -> Litestar:
    """The API of a deployment. Whoever made the fleet closes its database, after the API has stopped."""
    shared = Shared(fleet, settings)
    news = Live(shared)
    app = Litestar(
        route_handlers=[_ROUTER, live.router, page.router()],
        request_class=Call,
        response_class=answers.Answered,
        state=State({"shared": shared, "live": news}),
        lifespan=[lambda _app: _alive(shared, news)],
        exception_handlers=errors.HANDLERS,
        request_max_body_size=settings.max_body,
        cors_config=_cors(settings.cors_origins),
        openapi_config=_openapi(),
        logging_config=None,
        debug=False,
    )
    _name_all_methods(app)
    know_parameters(app)
    app.asgi_handler = correlation.marked(speech.answering(app.asgi_handler))
    return app


def _name_all_methods(app: Litestar) -> None:
    """Litestar's answers to OPTIONS know only of the first handler of a path."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            handler, _ = route.route_handler_map[HttpMethod.OPTIONS]
            handler._fn = route.create_options_handler(route.path).fn


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    """Which other pages may call, with a token of their own: no cookie goes along."""
    if not origins:
        return None
    asked = ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID"]
    told = ["ETag", "Idempotency-Replayed", "Retry-After", "X-Request-ID"]
    return CORSConfig(allow_origins=list(origins), allow_headers=asked, expose_headers=told, max_age=600)


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Poste Public Manager",
        version=VERSION,
        description="Postes, sessions, utilisateurs et journal. Les durées sont en secondes, les instants en UTC.",
        use_handler_docstrings=True,
        openapi_router=pages.router(),
        render_plugins=[pages.Document(), pages.Page()],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
    )


@contextlib.asynccontextmanager
async def _alive(shared: Shared, news: Live) -> AsyncIterator[None]:
    following = asyncio.create_task(news.run(), name="api-live")
    try:
        yield
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        shared.work.close()


class _Guest(uvicorn.Server):
    """A server in somebody else's loop: it leaves the signals alone, and says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event | None) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to the loop's owner."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self._ready is not None and self.started:
            self._ready.set()


def settle() -> None:
    """For a process that is an API from now on: collect garbage seldom enough that nobody waits for it.

    What the process consists of is not looked through again, nor what its first calls made (documents, statements),
    and what lives long seldom: each takes a tenth of a second, several times in a year's figures.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 100)
    gc.callbacks.append(_keep_first_calls)


def _keep_first_calls(phase: str, about: Mapping[str, int]) -> None:
    """Once: what outlives the first look through everything lives as long as the process."""
    if phase == "stop" and about["generation"] == _ALL:
        gc.freeze()
        gc.callbacks.remove(_keep_first_calls)


async def serve(app: Litestar, host: str, port: int, ready: asyncio.Event | None = None) -> None:
    """Serve until cancelled, beside other tasks of this loop; then let running requests finish.

    Raises OSError when the port is taken.
    """
    listening = listen(host, port)
    server = _Guest(_config(app), ready)
    running = asyncio.create_task(server.serve([listening]), name="api-server")
    try:
        await asyncio.shield(running)
    finally:
        app.state.live.stop()
        server.should_exit = True
        await asyncio.wait([running])
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """The socket that callers reach. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=1024)
    # Inherited by each connection, on which asyncio would not set it: else an answer in two parts takes 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _config(app: Litestar) -> uvicorn.Config:
    settings: ApiSettings = app.state.shared.settings
    # At INFO it writes the address of each WebSocket, and with it the token that a page gave there.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    correlation.mark_logs()
    return uvicorn.Config(
        app,
        http=unreadable.Protocol,
        ws="websockets-sansio",
        ws_max_size=65_536,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACEFUL_S,
    )
