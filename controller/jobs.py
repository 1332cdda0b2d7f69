"""What the controller does by the clock: APScheduler wakes it, the database sees to it that nothing runs twice.

What is due is looked for at each wake, at the start, and when somebody asks for a run: so what fell into a downtime
is made up for once, and what a dead controller left is taken up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from controller.desk import DatabaseTrouble, in_thread
from fleet.database.engine import Database
from fleet.database.failures import traced
from fleet.jobs import running
from fleet.jobs.health import Health
from fleet.jobs.ledger import RunLost
from fleet.jobs.settings import JobSettings
from fleet.jobs.table import JOBS, SWEEP, SWEEP_MINUTES

log = logging.getLogger(__name__)
LOOK_MINUTES = 1
Beside = Callable[[], Awaitable[None]]


class Jobs:
    """The jobs of one controller, one at a time in a thread of their own."""

    def __init__(self, database: Database, settings: JobSettings, holder: str) -> None:
        self._database, self._settings, self._holder = database, settings, holder
        self._health = Health(settings)
        self._woken = asyncio.Event()
        self._woken.set()

    async def run(self, sweep: Beside) -> None:
        """Run what is due, until cancelled. The sweep is a net under the exact deadlines of our own sites."""
        schedule = self._schedule(sweep)
        executor = ThreadPoolExecutor(1, thread_name_prefix="job")
        schedule.start()
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                await self._look(executor)
        finally:
            schedule.shutdown(wait=False)
            executor.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """Look now for what is due."""
        self._woken.set()

    async def _look(self, executor: Executor) -> None:
        try:
            await in_thread(executor, self._work)
        except (DatabaseTrouble, RunLost) as error:
            log.warning("jobs_wait", extra={"error": type(error).__name__})
        except Exception as error:  # noqa: BLE001  the net of a loop; its words may hold data
            log.error("jobs_failed", extra=traced(error))

    def _work(self) -> None:
        running.run_due(self._database, self._settings, self._holder)
        self._health.look(self._database)

    def _schedule(self, sweep: Beside) -> AsyncIOScheduler:
        zone = self._settings.zone
        schedule = AsyncIOScheduler(timezone=zone, job_defaults={"coalesce": True, "max_instances": 1})
        schedule.add_job(sweep, "interval", minutes=SWEEP_MINUTES, id=SWEEP)
        schedule.add_job(self._wake, "interval", minutes=LOOK_MINUTES, id="look")
        for name, job in JOBS.items():
            due = job.schedule
            when = CronTrigger(
                day=1 if due.monthly else None, hour=due.at.hour, minute=due.at.minute, timezone=zone
            )
            schedule.add_job(self._wake, when, id=name, misfire_grace_time=None)
        return schedule

    async def _wake(self) -> None:
        self.wake()
