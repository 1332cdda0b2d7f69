"""What pages see without asking: one reader of the news per process, one bounded queue per page.

Events come from the audit trail after the commit, in its order, so every process tells the same. A page that does
not keep up is dropped (1013); it comes back, says how far it was told, and is told the rest (`api.missed`).
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
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
from fleet.domain.errors import Refused
from fleet.usecases import session_views
from fleet.usecases.operateurs import OPERATEURS
from fleet.usecases.poste_views import DEBOUNCE

log = logging.getLogger(__name__)
UNAUTHENTICATED, STOPPED, TOO_SLOW = 4401, 1012, 1013
_FULL_S = 10
PRESENCE, _DEBOUNCED = "presence", "debounced"
CLOSE_S = 1.0
"""For how long a page that is let go may take to hear why."""
MOST_PAGES = 50
"""What one operator has open at once is more than that by a mistake: each has a queue."""
_SLICE = 64
_PATIENCE_S = 0.1
_RETRY_S = 0.5


_RIGHTS = Event(0, None, b'{"type":"rights"}')
"""To a page whose operator may see or do something else than before: it asks again who it is."""


class Over(Exception):
    """A conversation is over, with this code for a WebSocket and this reason."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


async def until_one_ends(*doing: Coroutine[Any, Any, object]) -> None:
    """Do all this until one of it ends, whose error is raised; give up the rest."""
    tasks = [asyncio.create_task(one) for one in doing]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@dataclass(eq=False)
class Reader:
    """One page: what it may see, how far others were told when it came, and what waits to be sent to it."""

    actor: Actor
    session_id: int | None
    site_id: int | None
    queue: asyncio.Queue[Event]
    told: Mapping[int, int] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    why: Over | None = None

    def hears(self, site_id: int) -> bool:
        """Whether anything of this site is for this page."""
        return self.site_id in (None, site_id) and self.actor.sees(site_id)

    def wants(self, event: Event) -> bool:
        """Whether this is for this page."""
        here = self.session_id is None or self.session_id == event.session_id
        return here and self.actor.sees(event.site_id)

    def put(self, event: Event) -> None:
        """Queue a message; a page whose queue is full is too slow."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.end(TOO_SLOW, "trop_lent")

    async def ended(self) -> None:
        """Wait for the end. Raises Over."""
        await self.over.wait()
        raise self.why or Over(STOPPED, "service_indisponible")

    def end(self, code: int, reason: str) -> None:
        """Nothing more is for this page. The first reason counts."""
        if self.why is None:
            self.why = Over(code, reason)
            self.over.set()


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
        self._stopped = False

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
        self._changed.update(news)
        self._wake.set()

    def check_room(self, actor: Actor) -> None:
        """Raise Refused when this operator has too many pages open."""
        if Counter(reader.actor.operateur_id for reader in self._readers)[actor.operateur_id] >= MOST_PAGES:
            raise Refused("trop_de_pages", retry_after_s=_FULL_S)

    @contextlib.asynccontextmanager
    async def joined(self, actor: Actor, session_id: int | None) -> AsyncIterator[Reader]:
        """A page, of one session or of all, as long as it is there. What is committed from now on reaches it.

        Raises NotFound, and Refused like `check_room`.
        """
        site_id = await self._site(actor, session_id)
        reader = Reader(actor, session_id, site_id, asyncio.Queue(self._shared.settings.queue))
        async with self._turn:
            if self._readers:
                await self._tell_logged(
                    None
                )  # it may have been told more by another process than we were yet
            else:
                self._told = await self._shared.work.run(self._begin)
            self.check_room(actor)
            reader.told = dict(self._told or {})
            self._readers.add(reader)
        if self._stopped:
            reader.end(STOPPED, "service_indisponible")
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def _site(self, actor: Actor, session_id: int | None) -> int | None:
        if session_id is None:
            return None
        fleet, names = self._shared.fleet, self._shared.names
        return await self._shared.work.run(
            lambda: names.site(session_views.one(fleet, actor, session_id).site)
        )

    def stop(self) -> None:
        """Let all pages go: the server stops. They find the next one."""
        self._stopped = True
        for reader in self._readers:
            reader.end(STOPPED, "service_indisponible")

    def tell(self, told: Iterable[Event]) -> None:
        """Give events to those who may see them. Never waits."""
        for event in told:
            for reader in self._readers:
                if reader.wants(event):
                    reader.put(event)

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
        if not self._readers:
            return
        everything = any(news.topic == "all" for news in changed)
        if everything or any(news.topic == OPERATEURS for news in changed):
            await self._check_rights()
        logs = {news.site_id for news in changed if news.topic == LOG}
        lost = {news.site_id for news in changed if news.topic == PRESENCE}
        where = lost | {news.site_id for news in changed if news.topic in (POSTES, _DEBOUNCED)}
        await self._tell_logged(None if everything else logs)
        if where or everything:
            found, looks = await self._shared.work.run(lambda: self._look(where, everything))
            await self._tell_sliced(found)
            self._looks = looks
        if lost:
            loop = asyncio.get_running_loop()
            loop.call_later(DEBOUNCE.total_seconds() + 0.1, self._look_again, lost)

    async def _tell_logged(self, chains: set[int] | None) -> None:
        """What the trail of these sites says and nobody was told yet; None: of all sites."""
        more = True
        while more and self._readers:
            found, told, more = await self._shared.work.run(lambda: self._read(chains))
            await self._tell_sliced(found)
            self._told = told

    async def _check_rights(self) -> None:
        """Somebody's rights were changed: pages see what their operators may see now, if anything."""
        for reader in tuple(self._readers):
            who = reader.actor.operateur_id
            actor = None if who is None else await self._shared.rights.of(who, reader.actor.ip)
            if actor is None or actor.generation != reader.actor.generation:
                reader.end(UNAUTHENTICATED, "jeton_refuse")
            elif actor != reader.actor:
                reader.actor = actor
                reader.put(_RIGHTS)

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
                r.queue.qsize() > _SLICE and not r.over.is_set() for r in self._readers
            ):
                await asyncio.sleep(0.005)
                patience -= 0.005

    def _begin(self) -> dict[int, int]:
        with self._shared.fleet.database.read() as tx:
            self._looks = {}
            events.presence(tx, self._sites(tx), self._looks)
            return events.heads(tx)

    def _read(self, chains: set[int] | None) -> tuple[list[Event], dict[int, int], bool]:
        # A copy: what fails half-way has told nothing, and is told again.
        told = dict(self._told or {})
        found: list[Event] = []
        more = False
        with self._shared.fleet.database.read() as tx:
            for chain in sorted(self._grown(tx, told) if chains is None else chains - {0}):
                new, told[chain], unread = events.since(tx, chain, told.get(chain, 0))
                found += new
                more |= unread
        return found, told, more

    def _grown(self, tx: Transaction, told: Mapping[int, int]) -> set[int]:
        return {chain for chain, numero in events.heads(tx).items() if chain and numero > told.get(chain, 0)}

    def _look(self, places: set[int], everything: bool) -> tuple[list[Event], dict[int, tuple[Any, ...]]]:
        looks = dict(self._looks)
        with self._shared.fleet.database.read() as tx:
            return events.presence(tx, self._sites(tx) if everything else places, looks), looks

    def _sites(self, tx: Transaction) -> set[int]:
        return {chain for chain in events.heads(tx) if chain}
