"""On what terms a call may change things: `Idempotency-Key` on POST, `If-Match` on what has one record."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPMethod
from typing import TYPE_CHECKING, Any, TypeVar

from litestar.serialization import encode_json
from sqlalchemy import Table

from api.errors import BadBody
from api.names import Names
from fleet.database import tables
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.usecases import once
from fleet.usecases.once import Answer, Key, Read

if TYPE_CHECKING:
    from api.calls import Call

T = TypeVar("T")
ATOMIC = "atomic"
"""The option of handlers whose work is no transaction, or whose answer is not to be stored: False. They take no
Idempotency-Key."""
KEY, MATCH = "idempotency-key", "if-match"
RECORDS: dict[str, Table] = {
    "site": tables.site,
    "poste": tables.poste,
    "utilisateur_id": tables.utilisateur,
    "session_id": tables.session,
    "operateur_id": tables.operateur,
    "booking_id": tables.booking,
    "ticket_id": tables.queue,
}
"""Which record a path is about: the name of its parameter, and the table whose `version` counts the changes."""
_PLAIN, _RULE = (
    re.compile("[ -~]{0,1000}"),
    {"regle": "une liste d'ETag en ASCII, de 1000 caractères au plus"},
)
_TAG = re.compile(r'"(\d+)-[^"]*"')


def are_set(call: "Call") -> bool:
    """Whether the caller sets any terms."""
    return KEY in call.headers or MATCH in call.headers


async def kept(call: "Call", thread: Callable[[Callable[[], T]], Awaitable[T]], work: Callable[[], T]) -> T:
    """Do the work in such a thread on the caller's terms. Raises Answered, and Refused."""
    key = await _key(call)
    shared = call.shared

    def on_terms() -> T:
        return once.on_terms(shared.fleet, key, _read(call, shared.names), work, told)

    def told(done: T) -> Answer:
        return Answer(call.route_handler.status_code, "" if done is None else encode_json(done).decode())

    async with shared.turns.of(key):
        return await thread(on_terms)


async def _key(call: "Call") -> Key | None:
    given = call.headers.get(KEY)
    if given is None or call.method != HTTPMethod.POST or not is_atomic(call.route_handler):
        return None
    where = f"{call.method} {call.url.path.rstrip('/')}?{call.url.query}\0"
    return Key(_owner(call.user), given, where.encode() + await call.body())


def _owner(actor: Actor) -> str:
    """Whose keys are this caller's: two callers may choose the same."""
    return f"poste:{actor.poste_id}" if actor.poste_id is not None else f"operateur:{actor.operateur_id}"


def is_atomic(handler: Any) -> bool:
    """Whether what this handler does is one transaction."""
    return handler.opt.get(ATOMIC, True) is True


def _read(call: "Call", names: Names) -> Read | None:
    given = call.headers.get(MATCH)
    record = next(((name, value) for name, value in call.path_params.items() if name in RECORDS), None)
    if given is None or given.strip() == "*" or record is None:
        return None
    if not _PLAIN.fullmatch(given):
        raise BadBody(422, "valeur_invalide", reasons.sentence("valeur_invalide", details=_RULE), "If-Match")
    name, value = record
    lookup: dict[str, Callable[[Any], int]] = {"site": names.site, "poste": names.poste}
    versions = frozenset(int(version) for version in _TAG.findall(given) if len(version) < 10)
    return Read(RECORDS[name], lookup.get(name, int)(value), versions)
