"""Each request has an id: in its answer, in problems, and in every line that is logged while it is worked on."""

import logging
import re
import secrets
import time
from contextvars import ContextVar

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
HEADER = "x-request-id"
_CURRENT: ContextVar[str | None] = ContextVar("request_id", default=None)
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{8,64}")


def current() -> str | None:
    """The id of the request that is being worked on here."""
    return _CURRENT.get()


def marked(app: ASGIApp) -> ASGIApp:
    """The application, each request with its id: the caller's if it is a plain word, else a new one.

    What nobody has said otherwise of is not to be kept by any cache.
    """

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        mine, began = _id_of(scope), time.perf_counter()

        async def marking(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers[HEADER] = mine
                headers.setdefault("cache-control", "no-store")
                _note(scope, message["status"], time.perf_counter() - began)
            await send(message)

        token = _CURRENT.set(mine)
        try:
            await app(scope, receive, marking)
        finally:
            _CURRENT.reset(token)

    return handle


def _id_of(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == HEADER.encode()), b"")
    return given.decode() if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _note(scope: HTTPScope, status: int, took_s: float) -> None:
    """Never the query: it may hold names."""
    level = logging.DEBUG if scope["method"] == "GET" and status < 400 else logging.INFO
    if log.isEnabledFor(level):
        facts = {"method": scope["method"], "path": scope["path"], "status": status}
        log.log(level, "request", extra=facts | {"took_ms": round(took_s * 1000)})


class _Marked(logging.Filter):
    """Writes the id into what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        mine = current()
        if mine is not None:
            record.request_id = mine
        return True


def mark_logs() -> None:
    """Have the id in all that this process logs from now on."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, _Marked) for one in handler.filters):
            handler.addFilter(_Marked())
