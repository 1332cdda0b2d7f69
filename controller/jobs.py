"""What the controller does by the clock: APScheduler wakes it, the database sees to it that nothing runs twice."""

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

SWEEP_MINUTES = 5


def scheduler(zone: str, sweep: Callable[[], Awaitable[None]]) -> AsyncIOScheduler:
    """The jobs of one controller, in memory, in the deployment's zone. Not started yet.

    The sweep is a net under the exact deadlines; each controller sweeps the sites that it drives.
    """
    jobs = AsyncIOScheduler(timezone=zone, job_defaults={"coalesce": True, "max_instances": 1})
    jobs.add_job(sweep, "interval", minutes=SWEEP_MINUTES, id="sweep")
    return jobs
