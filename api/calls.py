"""One call of the API: who calls, its body decoded once and strictly, and the way to the use cases."""

from collections.abc import Awaitable, Callable
from http import HTTPMethod
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State

from api import terms
from api.edge import check_body
from api.errors import BadBody, bad_body
from api.state import Shared
from api.tokens import Claims
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet

T = TypeVar("T")


class Call(Request[Actor, Claims, State]):
    """A request of an operator."""

    async def json(self) -> Any:
        """The body as the handler's type, strictly: no word is taken for a number, no field is ignored."""
        body = await self.body()
        check_body(body)
        field = self.route_handler.parsed_data_field
        wanted = Any if field is None else field.annotation
        try:
            return msgspec.json.decode(body, type=wanted)
        except msgspec.ValidationError as error:
            raise bad_body(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadBody(400, "corps_illisible", reasons.sentence("corps_illisible")) from None

    @property
    def shared(self) -> Shared:
        """What all handlers share."""
        shared: Shared = self.app.state.shared
        return shared

    async def run(self, work: Callable[[Fleet, Actor], T]) -> T:
        """Do this for the caller, in one thread: use cases open, commit and close by themselves.

        With an Idempotency-Key or an If-Match, on those terms; once per request then. Raises Answered.
        """
        fleet, actor = self.shared.fleet, self.user
        return await self._on_terms(self.shared.work.run, lambda: work(fleet, actor))

    async def run_hashing(self, work: Callable[[Fleet, Actor], T]) -> T:
        """The same for what hashes a password."""
        fleet, actor = self.shared.fleet, self.user
        return await self._on_terms(self.shared.work.hash, lambda: work(fleet, actor))

    async def _on_terms(self, thread: Callable[[Callable[[], T]], Awaitable[T]], work: Callable[[], T]) -> T:
        if self.method == HTTPMethod.GET or not terms.are_set(self):
            return await thread(work)
        return await terms.kept(self, thread, work)
