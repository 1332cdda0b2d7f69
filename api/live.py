"""What pages see without asking: one reader of the news per process, one bounded queue per page.

Events come from the audit trail after the commit, in its order, so every process tells the same. A page that does
not keep up is dropped (1013); it comes back, reads the lists again, and is current.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import events
from api.events import Event
from api.state import Shared
from fleet.database.engine import Transaction
from fleet.database.failures import described, traced
from fleet.database.follow import EVERYTHING, follow
from fleet.database.news import LOG, POSTES, News
from fleet.domain.actor import Actor
from fleet.usecases.operateurs import OPERATEURS
from fleet.usecases.poste_views import DEBOUNCE

log = logging.getLogger(__name__)
PRESENCE, _DEBOUNCED = "presence", "debounced"
_SLICE = 64
_PATIENCE_S = 0.1
_RETRY_S = 0.5


@dataclass(eq=False)
class Reader:
    """One page: what it may see, and what waits to be sent to it. `gone`: its operator may see nothing any more."""

    actor: Actor
    session_id: int | None
    queue: asyncio.Queue[bytes]
    slow: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, event: Event) -> bool:
        """Whether this is for this page."""
        here = self.session_id is None or self.session_id == event.session_id
        return here and self.actor.sees(event.site_id)

    def put(self, payload: bytes) -> None:
        """Queue a message; a page whose queue is full is too slow."""
        try:
            self.queue.put_nowait(payload)
        except asyncio.QueueFull:
            self.slow.set()


class Live:
    """The readers of one process, and how far they have been told."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._readers: set[Reader] = set()
        self._told: dict[int, int] | None = None
        self._looks: dict[int, tuple[Any, ...]] = {}
        self._changed: set[News] = set()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Follow the news for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_all(), name="news")
            group.create_task(self._tell_all(), name="live")

    async def _follow_all(self) -> None:
        while True:
            try:
                await follow(self._shared.fleet.database, self.hear)
            except Exception as error:  # noqa: BLE001  whatever it was, pages must hear again
                log.error("live_deaf", extra=traced(error))
            await asyncio.sleep(_RETRY_S)
            self.hear(EVERYTHING)

    def hear(self, news: tuple[News, ...]) -> None:
        """Something was committed."""
        if any(one.topic in (OPERATEURS, "all") for one in news):
            self._shared.rights.forget()
        if self._readers:
            self._changed.update(news)
            self._wake.set()

    async def join(self, actor: Actor, session_id: int | None) -> Reader:
        """A new page. What is committed from now on reaches it."""
        reader = Reader(actor, session_id, asyncio.Queue(self._shared.settings.queue))
        async with self._turn:
            if not self._readers:
                self._told = await self._shared.work.run(self._begin)
            self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """A page is gone."""
        self._readers.discard(reader)

    def tell(self, told: Iterable[Event]) -> None:
        """Give events to those who may see them. Never waits."""
        for event in told:
            for reader in self._readers:
                if reader.wants(event):
                    reader.put(event.payload)

    async def _tell_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            try:
                async with self._turn:
                    await self._tell_changed(changed)
            except (DBAPIError, PoolTimeout) as error:
                log.warning("live_delayed", extra=described(error))
                await self._again(changed)
            except Exception as error:  # noqa: BLE001  what was lost is told by telling everything
                log.error("live_failed", extra=traced(error))
                await self._again(EVERYTHING)

    async def _again(self, changed: Iterable[News]) -> None:
        self._changed.update(changed)
        await asyncio.sleep(_RETRY_S)
        self._wake.set()

    async def _tell_changed(self, changed: set[News]) -> None:
        everything = any(news.topic == "all" for news in changed)
        if everything or any(news.topic == OPERATEURS for news in changed):
            await self._check_rights()
        logs = {news.site_id for news in changed if news.topic == LOG}
        lost = {news.site_id for news in changed if news.topic == PRESENCE}
        where = lost | {news.site_id for news in changed if news.topic in (POSTES, _DEBOUNCED)}
        more = True
        while more and self._readers:
            found, told, more = await self._shared.work.run(lambda: self._read(logs, everything))
            await self._tell_sliced(found)
            self._told = told
        if where or everything:
            found, looks = await self._shared.work.run(lambda: self._look(where, everything))
            await self._tell_sliced(found)
            self._looks = looks
        if lost:
            loop = asyncio.get_running_loop()
            loop.call_later(DEBOUNCE.total_seconds() + 0.1, self._look_again, lost)

    async def _check_rights(self) -> None:
        """Somebody's rights were changed: pages see what their operators may see now, if anything."""
        for reader in tuple(self._readers):
            who = reader.actor.operateur_id
            actor = None if who is None else await self._shared.rights.of(who, reader.actor.ip)
            if actor is None or actor.generation != reader.actor.generation:
                reader.gone.set()
            else:
                reader.actor = actor

    def _look_again(self, places: set[int]) -> None:
        """After the debounce a lost poste has another statut, and nothing was committed to say so."""
        again = {site_id for site_id in places if self._readers}
        self._changed.update(News(site_id, _DEBOUNCED) for site_id in again)
        if again:
            self._wake.set()

    async def _tell_sliced(self, found: list[Event]) -> None:
        """A burst must not drop pages that do keep up: they get a moment between slices."""
        for start in range(0, len(found), _SLICE):
            self.tell(found[start : start + _SLICE])
            await asyncio.sleep(0)
            patience = _PATIENCE_S
            while patience > 0 and any(
                r.queue.qsize() > _SLICE and not r.slow.is_set() for r in self._readers
            ):
                await asyncio.sleep(0.005)
                patience -= 0.005

    def _begin(self) -> dict[int, int]:
        with self._shared.fleet.database.read() as tx:
            self._looks = {}
            events.presence(tx, self._sites(tx), self._looks)
            return events.heads(tx)

    def _read(self, logs: set[int], everything: bool) -> tuple[list[Event], dict[int, int], bool]:
        # A copy: what fails half-way has told nothing, and is told again.
        told = dict(self._told or {})
        found: list[Event] = []
        more = False
        with self._shared.fleet.database.read() as tx:
            chains = set(events.heads(tx)) if everything else logs
            for chain in sorted(chains - {0}):
                new, told[chain], unread = events.since(tx, chain, told.get(chain, 0))
                found += new
                more |= unread
        return found, told, more

    def _look(self, places: set[int], everything: bool) -> tuple[list[Event], dict[int, tuple[Any, ...]]]:
        looks = dict(self._looks)
        with self._shared.fleet.database.read() as tx:
            return events.presence(tx, self._sites(tx) if everything else places, looks), looks

    def _sites(self, tx: Transaction) -> set[int]:
        return {chain for chain in events.heads(tx) if chain}
