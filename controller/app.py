"""The controller's composition root: leases, one driver per site held, the news that wakes them, the jobs.

A lease is renewed well before it ends. A controller that can't reach the database publishes nothing once its
lease is no longer sure; one whose lease was taken over stops driving at once, and tries again later.
"""

import asyncio
import contextlib
import logging
import math
import os
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from controller import waking
from controller.clock import DatabaseClock, boottime
from controller.desk import DatabaseTrouble, in_thread
from controller.jobs import Jobs
from controller.link import BrokerAddress
from controller.outgoing import Teller
from controller.site import Parts, SiteDriver
from controller.tenure import Tenure
from fleet.database import deliveries, leases
from fleet.database.failures import traced
from fleet.database.follow import EVERYTHING, follow
from fleet.database.leases import Lease
from fleet.database.news import LEASES, News
from fleet.jobs import ledger
from fleet.jobs.ledger import TOPIC as JOB
from fleet.jobs.settings import JobSettings
from fleet.jobs.table import SWEEP
from fleet.outgoing.settings import Outgoing
from fleet.usecases import once
from fleet.usecases.fleet import Fleet
from protocol.topics import DEFAULT_ROOT

log = logging.getLogger(__name__)
THREADS = 8
LEASE_THREADS = 2
RENEW_S = 1.5
LEASE_WORKS = ("renew", "acquire")
OVER_S = 0.02
STUCK_S = 60.0
"""Longer than any wait for the database: a round that takes this is not coming back."""


@dataclass(frozen=True)
class ControllerSettings:
    """What a controller needs to know. `name` is unique among controllers; by default this process."""

    broker: BrokerAddress
    root: str = DEFAULT_ROOT
    jobs: JobSettings = field(default_factory=JobSettings)
    outgoing: Outgoing = field(default_factory=Outgoing)
    software: str = ""
    wake_to: tuple[waking.Target, ...] = waking.EVERYONE
    name: str = field(
        default_factory=lambda: f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(3)}"
    )


class Controller:
    """Drives every site that it can get the lease of. `ready` is set while all those are being driven.

    `working` is set once it has gone for its leases, whatever came of it.
    """

    def __init__(self, fleet: Fleet, settings: ControllerSettings) -> None:
        self._fleet, self._settings = fleet, settings
        self._clock = DatabaseClock()
        self._jobs = Jobs(fleet.database, settings.jobs, settings.name)
        self._teller = Teller(fleet.database, settings.outgoing, settings.jobs.zone, settings.name)
        self.drivers: dict[int, SiteDriver] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._beside_tasks: set[asyncio.Task[None]] = set()
        self._dropped: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._looked = False
        self.ready, self.working = asyncio.Event(), asyncio.Event()
        self._rounds: dict[str, float] = {}

    async def run(self) -> None:
        """Work until cancelled; then stop gracefully: postes are told, leases are given back."""
        with (
            ThreadPoolExecutor(THREADS, thread_name_prefix="use-case") as executor,
            ThreadPoolExecutor(LEASE_THREADS, thread_name_prefix="lease") as self._lease_threads,
        ):
            self._parts = Parts(
                self._fleet,
                self._settings.broker,
                self._clock,
                executor,
                self._settings.name,
                self._settings.root,
                self._settings.software,
                self._settings.wake_to,
            )
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(follow(self._fleet.database, self._told), name="news")
                    for name, work in zip(LEASE_WORKS, (self._renew, self._acquire), strict=True):
                        group.create_task(self._every_round(name, work), name=name)
                    group.create_task(self._jobs.run(self._sweep), name="jobs")
                    group.create_task(self._teller.run(), name="outgoing")
            finally:
                await self._stop()

    def is_healthy(self) -> bool:
        """Whether leases were gone for lately: a database that fails is no fault of ours, not coming back is."""
        return self.working.is_set() and time.monotonic() - min(self._rounds.values()) < STUCK_S

    async def _every_round(self, name: str, work: Callable[[], Awaitable[float]]) -> None:
        """Renewing and acquiring go side by side: whoever holds a free site's row must not cost us our own.

        The work tells in how many seconds at the latest there is more of it.
        """
        while True:
            pause = RENEW_S * random.uniform(0.5, 1.0)
            try:
                pause = min(pause, await work())
            except DatabaseTrouble as error:
                log.warning("leases_wait", extra={"work": name, "error": str(error)})
            self._rounds[name] = time.monotonic()
            if len(self._rounds) == len(LEASE_WORKS):
                self.working.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            self._woken.clear()

    async def _renew(self) -> float:
        before, held = boottime(), list(self.drivers.items())
        kept, asked, now, answered = await in_thread(self._lease_threads, self._renew_all)
        was_known, step = self._clock.is_known, self._clock.sample(asked, now, answered)
        if not was_known:
            self._woken.set()  # whoever goes for free sites waits for this
        until = before + leases.TTL.total_seconds()
        if step:
            self._stepped(step)
        for site_id, driver in held:  # what was taken meanwhile is not in the answer
            if self.drivers.get(site_id) is not driver:
                continue
            newest = max((one.term for one in kept if one.site_id == site_id), default=0)
            if driver.tenure.lease in kept:
                driver.tenure.renew(until)
            elif newest <= driver.tenure.lease.term:  # else its term is just being raised
                log.warning("lease_lost", extra={"site_id": site_id, "term": driver.tenure.lease.term})
                self._drop(site_id)
        for lease in kept:
            if lease.site_id not in self.drivers:
                self._drive(Tenure(lease, until))
        self._look_ready()
        return math.inf

    def _renew_all(self) -> tuple[set[Lease], float, datetime, float]:
        """The leases that are kept, and the database's clock with when it was asked for and answered."""
        with self._fleet.database.transaction() as tx:
            asked, now, answered = boottime(), tx.now, boottime()
            return leases.renew(tx.connection, self._settings.name, now), asked, now, answered

    def _stepped(self, step_s: float) -> None:
        """Hold every ending at once, then let each site move its deadlines."""
        for driver in self.drivers.values():
            driver.hold()
        for site_id, driver in self.drivers.items():
            if driver.loaded.is_set():
                self._beside(driver.clock_stepped(step_s), site_id)

    def _beside(self, work: Coroutine[Any, Any, None], site_id: int) -> None:
        task = asyncio.create_task(work, name=f"beside site {site_id}")
        self._beside_tasks.add(task)
        task.add_done_callback(self._beside_done)

    def _beside_done(self, task: asyncio.Task[None]) -> None:
        self._beside_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("site_work_failed", extra={"work": task.get_name(), "error": type(error).__name__})

    async def _acquire(self) -> float:
        if not self._clock.is_known:
            return math.inf  # by a clock that was never read no deadline would come
        before = boottime()
        taken, end = await in_thread(self._lease_threads, self._acquire_free)
        for lease in taken:
            log.info("lease_taken", extra={"site_id": lease.site_id, "term": lease.term})
            if lease.site_id not in self.drivers:
                self._drive(Tenure(lease, before + leases.TTL.total_seconds()))
        self._looked = True
        self._look_ready()
        # Whoever holds a lease renews it long before. It is over a moment after its end, by the database's clock.
        return math.inf if end is None else max(OVER_S, self._clock.until(end) + OVER_S)

    def _look_ready(self) -> None:
        """Ready: every site has been looked at, and those that are ours are being driven."""
        if self._looked and all(driver.driving.is_set() for driver in self.drivers.values()):
            self.ready.set()
        else:
            self.ready.clear()

    def _acquire_free(self) -> tuple[list[Lease], datetime | None]:
        """What could be taken, and when the next of the others' leases ends."""
        with self._fleet.database.read() as tx:
            free = [site_id for site_id, _ in leases.free_sites(tx.connection, tx.now)]
            end = leases.next_end(tx.connection, self._settings.name, tx.now)
        taken = []
        for site_id in free:
            if site_id in self.drivers:
                continue
            with self._fleet.database.transaction() as tx:
                lease = leases.acquire(tx.connection, site_id, self._settings.name, tx.now)
            if lease is not None:
                taken.append(lease)
        return taken, end

    def _drive(self, tenure: Tenure) -> None:
        site_id = tenure.lease.site_id
        driver = self.drivers[site_id] = SiteDriver(self._parts, tenure, driving_changed=self._look_ready)
        task = self._tasks[site_id] = asyncio.create_task(driver.run(), name=f"site {site_id}")
        task.add_done_callback(lambda done: self._ended(site_id, done))

    def _ended(self, site_id: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(site_id) is task:
            self._tasks.pop(site_id, None)
            self.drivers.pop(site_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("driver_ended", extra={"site_id": site_id, **traced(error)})

    def _drop(self, site_id: int) -> None:
        task = self._tasks.pop(site_id, None)
        self.drivers.pop(site_id, None)
        if task is not None:
            task.cancel()
            self._dropped.add(task)
            task.add_done_callback(self._dropped.discard)

    async def _stop(self) -> None:
        held = [driver.tenure.lease for driver in self.drivers.values()]
        ending = {*self._tasks.values(), *self._dropped, *self._beside_tasks}
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=5)
        with contextlib.suppress(DatabaseTrouble):
            await in_thread(self._lease_threads, partial(self._release_all, held))
        log.info("stopped", extra={"sites": len(held)})

    def _release_all(self, held: list[Lease]) -> None:
        with self._fleet.database.transaction() as tx:
            for lease in held:
                leases.release(tx.connection, lease, tx.now)
            tx.tell(0, LEASES)

    async def _sweep(self) -> None:
        began, swept = datetime.now(UTC), 0
        with contextlib.suppress(DatabaseTrouble):
            for driver in list(self.drivers.values()):
                if driver.driving.is_set():
                    await driver.sweep()
                    swept += 1
            forgotten = await in_thread(self._lease_threads, partial(once.sweep, self._fleet))
            facts = {"sites": swept, "reponses_oubliees": forgotten}
            note = partial(ledger.note, self._fleet.database, SWEEP, self._settings.name, began, facts)
            await in_thread(self._lease_threads, note)

    def _told(self, news: tuple[News, ...]) -> None:
        everything = news == EVERYTHING
        for site_id, driver in self.drivers.items():
            mine = news if everything else tuple(one for one in news if one.site_id == site_id)
            if mine and driver.loaded.is_set():
                driver.told(mine)
        if everything or any(one.topic == LEASES for one in news):
            self._woken.set()
        if everything or any(one.topic == JOB for one in news):
            self._jobs.wake()
        if everything or any(one.topic == deliveries.TOPIC for one in news):
            self._teller.wake()
        if any(one.topic == SWEEP for one in news):
            self._beside(self._sweep(), 0)
