"""In which language the sentences of an answer are: the first that the caller accepts of those there are."""

from contextvars import Token

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from fleet.domain.blanks import SPOKEN, Language

_LONGEST = 200


def answering(app: ASGIApp) -> ASGIApp:
    """The application, each request answered in the language of its `Accept-Language`, else in French."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        token: Token[Language] = SPOKEN.set(_wanted(scope))
        try:
            await app(scope, receive, send)
        finally:
            SPOKEN.reset(token)

    return handle


def _wanted(scope: Scope) -> Language:
    said = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return first(said.decode("latin-1"))


def first(accepted: str) -> Language:
    """Of `en-GB,en;q=0.9,fr;q=0.8`, the one with the greatest weight that we have; the first of equals."""
    weighed: list[tuple[float, Language]] = []
    for part in accepted[:_LONGEST].split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        primary = tag.split("-")[0]
        if primary in ("fr", "en"):
            weighed.append((_number(weight), "en" if primary == "en" else "fr"))
    best = max(weighed, key=lambda one: one[0], default=(0.0, "fr"))
    return best[1] if best[0] > 0 else "fr"


def _number(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
