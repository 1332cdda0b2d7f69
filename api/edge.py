"""What no part of a request may hold: PostgreSQL stores no NUL, so it is refused before anything else."""

import re
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.errors import BadBody
from fleet.domain import reasons
from fleet.domain.errors import NotFound

NUL = "\x00"
_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class NoNul(ASGIMiddleware):
    """Refuses a NUL in the path (404) or the query (422). Bodies are looked at where they are decoded."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the call through. Raises NotFound or BadBody."""
        if NUL in scope["path"]:
            raise NotFound("adresse")
        query = scope["query_string"]
        if b"%00" in query or b"\x00" in query:
            raise _refused(_named(query.decode("latin-1")))
        await next_app(scope, receive, send)


def check_body(body: bytes) -> None:
    """Raise BadBody for JSON whose text holds a NUL."""
    if b"\\u0000" in body and _IN_JSON.search(body):
        raise _refused(_field(body))


def _field(body: bytes) -> str | None:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fields = said.items() if isinstance(said, dict) else ()
    return next((name for name, value in fields if isinstance(value, str) and NUL in value), None)


def _named(query: str) -> str | None:
    return next((name for name, value in parse_qsl(query) if NUL in value), None)


def _refused(field: str | None) -> BadBody:
    rule = {"regle": "un caractère nul ne peut pas être enregistré"}
    return BadBody(422, "valeur_invalide", reasons.sentence("valeur_invalide", "fr", rule), field)
