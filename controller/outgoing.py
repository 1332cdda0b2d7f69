"""Telling the outside: what waits is looked for when something happened and once a minute; each target on its own.

A target that does not answer holds its own thread for as long as a server is waited for, and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from controller.desk import DatabaseTrouble, in_thread
from fleet.database import deliveries
from fleet.database.engine import Database
from fleet.database.failures import traced
from fleet.domain.delivery import GENRES
from fleet.outgoing.settings import Outgoing
from fleet.outgoing.targets import Target, targets, tell

T = TypeVar("T")
log = logging.getLogger(__name__)
LOOK_S = 60.0


class Teller:
    """What one controller sends by e-mail and webhook."""

    def __init__(self, database: Database, settings: Outgoing, zone: str, holder: str) -> None:
        self._database, self._holder = database, holder
        self._targets = targets(settings, zone)
        self._busy: set[str] = set()
        self._woken = asyncio.Event()
        self._woken.set()

    async def run(self) -> None:
        """Tell, until cancelled."""
        executor = ThreadPoolExecutor(len(self._targets) + 1, thread_name_prefix="outgoing")
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await self._woken.wait()
                    self._woken.clear()
                    for name in await self._alone(executor, self._look, set[str]()) - self._busy:
                        self._busy.add(name)
                        group.create_task(self._tell(executor, self._targets[name]), name=f"tell {name}")
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """Look now for what waits."""
        self._woken.set()

    def _look(self) -> set[str]:
        by_kind = {kind: [one.name for one in self._targets.values() if kind in one.kinds] for kind in GENRES}
        with self._database.transaction() as tx:
            deliveries.address(tx, by_kind)
            return deliveries.due(tx) & self._targets.keys()

    async def _tell(self, executor: Executor, target: Target) -> None:
        try:
            while await self._alone(executor, partial(tell, self._database, target, self._holder), False):
                pass
        finally:
            self._busy.discard(target.name)

    async def _alone(self, executor: Executor, work: Callable[[], T], otherwise: T) -> T:
        """Let a failure fail alone: rows that were taken are due again in a few minutes."""
        try:
            return await in_thread(executor, work)
        except DatabaseTrouble as error:
            log.warning("outgoing_waits", extra={"error": str(error)})
        except Exception as error:  # noqa: BLE001  the net of a loop; its words may hold data
            log.error("outgoing_failed", extra=traced(error))
        return otherwise
