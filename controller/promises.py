"""What falls due at a site beside its sessions: the queue's calls, requests for time, bookings. Nothing polls."""

import asyncio
import contextlib

from controller.clock import DatabaseClock
from controller.desk import DatabaseTrouble, Desk
from fleet.database.news import DESIRED, EXTENSIONS, POSTES, PROMISES, News
from fleet.usecases import calls
from fleet.usecases.calls import Due
from fleet.usecases.presence import PRESENCE

RETRY_S = 0.3
_ALWAYS = (PROMISES, EXTENSIONS, "all")
_WHILE_SOMEBODY_WAITS = (PRESENCE, DESIRED, POSTES)
"""A poste may have become free, or lost."""


class Promises:
    """Keeps the promises of one site."""

    def __init__(self, desk: Desk, clock: DatabaseClock) -> None:
        self._desk, self._clock = desk, clock
        self._changed = asyncio.Event()
        self._due = Due(None, somebody_waits=False)

    def told(self, news: News) -> None:
        """Something of this site was committed."""
        if news.topic in _ALWAYS or (self._due.somebody_waits and news.topic in _WHILE_SOMEBODY_WAITS):
            self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            try:
                self._due = await self._desk.do(calls.settle)
            except DatabaseTrouble:
                await asyncio.sleep(RETRY_S)
                continue
            await self._wait()

    async def _wait(self) -> None:
        """Until the next instant that is due, or until something has changed."""
        at = self._due.at
        left = None if at is None else max(0.0, self._clock.until(at)) + 0.01
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._changed.wait()
