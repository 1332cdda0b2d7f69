"""What a test plants in a part before it runs: other limits, or the very mistakes that the checker must see."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import replace
from threading import get_ident
from typing import Any

from tests.end_to_end.planting import resolve


def _replace(name: str, function: Callable[..., Any]) -> None:
    owner, attribute, _ = resolve(name)
    setattr(owner, attribute, function)


def short_sessions() -> None:
    """Sessions of seconds: nobody waits a minute."""
    from fleet.domain import session

    session.SHORTEST_MS = 1_000


def slow_marks() -> None:
    """What the broker has is marked a second later: not before postes have answered."""
    from controller import to_kiosks

    to_kiosks.MARK_S = 1.0


def publish_before_commit() -> None:
    """The controller says yes to a poste before the session is committed."""
    import asyncio

    from controller.service import Service
    from fleet.database import engine
    from fleet.usecases import kiosk

    asked_now: list[tuple[Service, str, Any, asyncio.AbstractEventLoop]] = []
    answer, start, flush = Service._answer, kiosk.start, engine.Transaction.flush
    starting: dict[int, int] = {}

    async def answered(self: Service, slug: str, asked: Any) -> None:
        asked_now[:] = [(self, slug, asked, asyncio.get_running_loop())]
        await answer(self, slug, asked)

    def started(fleet: Any, lease: Any, poste_id: int, asked: Any) -> Any:
        starting[get_ident()] = poste_id
        try:
            return start(fleet, lease, poste_id, asked)
        finally:
            starting.clear()

    def flushed(self: engine.Transaction) -> None:
        from fleet.database import outbox

        if get_ident() in starting and asked_now:
            service, slug, asked, loop = asked_now.pop()
            reply = service._yes(asked, outbox.of_poste(self, starting[get_ident()]))
            asyncio.run_coroutine_threadsafe(service._say(slug, reply), loop).result(5)
        flush(self)

    _replace("controller.service.Service._answer", answered)
    _replace("fleet.usecases.kiosk.start", started)
    _replace("fleet.database.engine.Transaction.flush", flushed)


def no_memory_of_requests() -> None:
    """The controller treats a repeated request as a new one."""
    from fleet.usecases import kiosk

    look = kiosk._to_context

    def forgetful(row: Any) -> kiosk.Context:
        return replace(look(row), answer=None)

    _replace("fleet.usecases.kiosk._to_context", forgetful)
    _replace("fleet.usecases.kiosk._keep_answer", lambda *_: None)


def no_memory_of_commands() -> None:
    """The poste does a repeated command again."""
    _replace("kiosk_agent.commands.Commands.known", lambda *_: None)


def no_nonce() -> None:
    """The poste takes any answer as its own."""
    _replace("kiosk_agent.requests.Requests.answered_by", lambda self, _: next(iter(self), None))


def no_memory_of_keys() -> None:
    """The API treats a call that is repeated under its key as a new one."""
    from fleet.usecases import once

    claim = once._claim

    def forgetful(fleet: Any, tx: Any, key: Any) -> None:
        once._forget(tx, key)
        claim(fleet, tx, key)

    _replace("fleet.usecases.once._claim", forgetful)


def answer_before_commit() -> None:
    """The API says that time was added half a second before that is committed."""
    from fleet.domain.errors import FleetError
    from fleet.usecases import once

    on_terms = once.on_terms

    def early(fleet: Any, key: Any, read: Any, work: Any, told: Any) -> Any:
        if b"/add_time" not in key.request:
            return on_terms(fleet, key, read, work, told)
        answer: Future[Any] = Future()

        def slow(done: Any) -> Any:
            answer.set_result(done)
            time.sleep(0.5)
            return told(done)

        def run() -> None:
            try:
                on_terms(fleet, key, read, work, slow)
            except FleetError as error:
                answer.set_exception(error)

        threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
        return answer.result()

    _replace("fleet.usecases.once.on_terms", early)
