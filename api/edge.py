"""What no request may hold: a NUL, which PostgreSQL does not store; a parameter that its address does not have, or
twice, of which one would be lost; a number for an instant, which would be one near 1970."""

import re
from datetime import datetime
from typing import Any, get_args
from urllib.parse import parse_qsl

import msgspec
from litestar import Litestar
from litestar.enums import HttpMethod, ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from api.errors import BadBody
from fleet.domain import reasons
from fleet.domain.errors import NotFound

NUL = "\x00"
_NO_NUL = "un texte sans caractère nul"
_PARAMETERS, _TYPED, _INSTANTS = "query_parameters", "typed_parameters", "instant_parameters"
_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Edge(ASGIMiddleware):
    """Refuses a NUL in the path (404) and in the query (422), where each parameter is known, and comes once
    and as it is meant.

    Bodies are looked at where they are decoded.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the call through. Raises NotFound or BadBody."""
        if NUL in scope["path"]:
            raise NotFound("adresse")
        if scope["query_string"]:
            _check_query(scope["query_string"].decode("latin-1"), scope["route_handler"])
        await next_app(scope, receive, send)


def _check_query(query: str, handler: BaseRouteHandler) -> None:
    seen: set[str] = set()
    known: frozenset[str] | None = handler.opt.get(_PARAMETERS)
    for name, value in parse_qsl(query, keep_blank_values=True):
        if NUL in value or NUL in name:
            raise _refused(name.replace(NUL, ""), _NO_NUL)
        if known is not None and name not in known:
            raise _unknown(name, known)
        if name in seen:
            raise _refused(name, "une seule valeur")
        if value == "null" and name in handler.opt.get(_TYPED, ()):
            raise _refused(name, "une valeur, ou rien du tout")
        if name in handler.opt.get(_INSTANTS, ()) and _is_number(value):
            raise _refused(name, "un instant RFC 3339, comme 2026-09-01T10:00:00Z")
        seen.add(name)


def know_parameters(app: Litestar) -> None:
    """Note on each handler which parameters its address has, those of its dependencies too; once, at the start.

    OPTIONS asks about an address, with whatever parameters the call will have.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, inputs) in route.route_handler_map.items():
                if method != HttpMethod.OPTIONS:
                    names = (one.field_alias for one in inputs.expected_query_params)
                    handler.opt[_PARAMETERS] = frozenset(names)
                    handler.opt[_TYPED], handler.opt[_INSTANTS] = _typed(handler), _instants(handler)


def _typed(handler: BaseRouteHandler) -> frozenset[str]:
    """The parameters that are no text: for these `null` would be read as nothing."""
    fields = handler.parsed_fn_signature.parameters
    return frozenset(name for name, field in fields.items() if str not in _types(field.annotation))


def _instants(handler: BaseRouteHandler) -> frozenset[str]:
    """The parameters that are instants: for these a number would be read as seconds since 1970."""
    fields = handler.parsed_fn_signature.parameters
    return frozenset(name for name, field in fields.items() if datetime in _types(field.annotation))


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _types(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) or (annotation,)


def check_body(body: bytes) -> None:
    """Raise BadBody for JSON whose text holds a NUL."""
    if b"\\u0000" in body and _IN_JSON.search(body):
        raise _refused(_field(body), _NO_NUL)


def _field(body: bytes) -> str | None:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fields = said.items() if isinstance(said, dict) else ()
    return next((name for name, value in fields if isinstance(value, str) and NUL in value), None)


def _unknown(name: str, known: frozenset[str]) -> BadBody:
    words = {"champ": name, "connus": ", ".join(sorted(known)) or "aucun"}
    return BadBody(422, "parametre_inconnu", reasons.sentence("parametre_inconnu", details=words), name)


def _refused(field: str | None, rule: str) -> BadBody:
    said = reasons.sentence("valeur_invalide", details={"regle": rule})
    return BadBody(422, "valeur_invalide", said, field)
