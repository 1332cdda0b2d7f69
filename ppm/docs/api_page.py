"""docs/api.md, from the OpenAPI document of the API: every endpoint, and which of them are the first ones."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

FIRST = """
GET POST /utilisateurs/ · GET PUT DELETE /utilisateurs/{id}/ · GET /utilisateurs/stats/ · GET /utilisateurs/{id}/sessions/ ·
GET /utilisateurs/{id}/can_create_session/ · POST /utilisateurs/{id}/revoke_consent/ ·
GET POST /postes/ · GET PUT DELETE /postes/{id}/ · GET /postes/disponibles/ · GET /postes/stats/ · POST /postes/{id}/heartbeat/ ·
POST /postes/{id}/marquer_disponible/ · POST /postes/{id}/marquer_maintenance/ · POST /postes/{id}/marquer_hors_ligne/ ·
GET /postes/{id}/session_active/ ·
GET POST /sessions/ · GET PUT DELETE /sessions/{id}/ · GET /sessions/actives/ · GET /sessions/stats/ ·
POST /sessions/validate_code/ · POST /sessions/{id}/start/ · POST /sessions/{id}/add_time/ · POST /sessions/{id}/terminate/ ·
POST /sessions/{id}/suspend/ · POST /sessions/{id}/resume/ · GET /sessions/{id}/time_remaining/ ·
GET /logs/ · GET /logs/{id}/ · GET /logs/stats/ · GET /logs/recent/ · POST /logs/search/ · GET /logs/by_session/ ·
GET /logs/errors/ ·
POST /token/ · POST /token/refresh/ · POST /token/verify/
"""
"""The endpoints of the first plan, which keep their names."""
ALSO = "POST /auth/login/ · POST /auth/logout/ · PUT /postes/{id}/status/ · POST /sessions/validate-code/"
"""The browser's log-in, and other spellings."""
_INTRODUCTION = """# The API

Generated from the OpenAPI document by `python -m ppm.docs`. The document itself is at `/api/docs/openapi.json`, with examples and
errors, and can be tried out at `/api/docs/`, with no Internet; `GET /api/` names the addresses.

- A slash at the end of an address may be left out. Bodies and answers are JSON; durations are seconds, instants RFC 3339 in UTC.
- Log in with `POST /api/token/` and send `Authorization: Bearer` with the access token.
- Lists: `limit` (at most 200) and `offset`, `tri` with a word of the list (`-` before it to reverse), `recherche` without accents or
  case, and the filters that the document names. The journal also has a cursor that new lines do not move: `avant`.
- Every error is a problem: [problems.md](problems.md).
- `Idempotency-Key` on POST: the same request with the same key is done once and gets the same answer, for 24 hours.
- `ETag` on records: `If-None-Match` answers 304 while nothing has changed, `If-Match` answers 412 when something has.
- What is written with an unknown field is refused, and the field named.
- `X-Request-ID` is in every answer; a caller may give its own.

**1**: one of the endpoints that the product had from its first plan on. **+**: another spelling, or the browser's log-in.

| endpoint | | what it does |
| --- | --- | --- |
"""


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document of this version."""
    from api.app import create_app
    from api.openapi import document
    from api.settings import ApiSettings
    from fleet.database.engine import Database
    from fleet.usecases.fleet import Fleet
    from fleet.usecases.sealing import CodeKeys

    database = Database("sqlite://")
    try:
        fleet = Fleet(database, CodeKeys.from_secret(bytes(32)))
        return document.of(create_app(fleet, ApiSettings("0123456789abcdef" * 4)))
    finally:
        database.close()


def named(listed: str) -> Iterator[tuple[str, str]]:
    """The method and path of each endpoint in such a list, its parameters without their names."""
    for words in listed.replace("\n", " ").split("·"):
        *methods, path = words.split()
        yield from ((method, f"/api{path.rstrip('/')}") for method in methods)


def endpoints() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The method and path of each endpoint of the document, and what it says of it."""
    for path, methods in document()["paths"].items():
        for method, said in methods.items():
            yield method.upper(), path, said


def plain(path: str) -> str:
    """A path whose parameter is written `{id}`, as in the lists."""
    head, brace, rest = path.partition("{")
    return f"{head}{{id}}{rest.partition('}')[2]}" if brace else path


def render() -> str:
    """The whole page."""
    first, also = set(named(FIRST)), set(named(ALSO))
    rows = []
    for method, path, said in sorted(endpoints(), key=lambda one: (one[2]["tags"], one[1], one[0])):
        known = (method, plain(path))
        mark = "1" if known in first else "+" if known in also else ""
        rows.append(f"| `{method} {path}/` | {mark} | {said['summary']} |\n")
    return _INTRODUCTION + "".join(rows)
