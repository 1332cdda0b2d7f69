"""Running what is due, and keeping how it went."""

import logging
from collections.abc import Mapping
from typing import Any

from fleet.database import alerts
from fleet.database.engine import Database, Transaction
from fleet.database.failures import came_through, described
from fleet.domain.errors import Refused
from fleet.jobs import ledger
from fleet.jobs.failures import JobFailed, outcome
from fleet.jobs.ledger import Run, RunLost
from fleet.jobs.settings import JobSettings
from fleet.jobs.table import JOBS, SCHEDULES

log = logging.getLogger(__name__)


def run_due(database: Database, settings: JobSettings, holder: str) -> int:
    """Run whatever is due now and nobody else runs. Gives how many runs were ours. Raises what databases raise."""
    with database.transaction() as tx:
        waiting = ledger.due(tx, SCHEDULES, settings.zone)
    return sum(run_one(database, settings, job, slot, holder) is not None for job, slot in waiting)


def run_one(
    database: Database, settings: JobSettings, job: str, slot: str, holder: str
) -> tuple[bool, Mapping[str, Any]] | None:
    """Whether it went well, and what it did; None when it is not ours to run."""
    run = ledger.take(database, job, slot, holder)
    if run is None:
        return None
    with run.alive():
        ok, facts = _work(run, settings)
    with database.transaction() as tx:
        run.finish(tx, ok, facts)
        _alert(tx, job, slot, ok)
    log.info("job_done", extra={"job": job, "slot": slot, "ok": ok, **facts})
    return ok, facts


def _work(run: Run, settings: JobSettings) -> tuple[bool, Mapping[str, Any]]:
    try:
        return True, JOBS[run.job].work(run, settings)
    except RunLost:
        raise
    except Refused as failed:
        return False, outcome(failed)
    except OSError as error:
        return False, outcome(JobFailed("tache_systeme", dit=error.strerror or type(error).__name__))
    except Exception as error:  # noqa: BLE001 - told and logged, but for its words, which may hold names
        facts = {"job": run.job, "slot": run.slot, "at": came_through(error)}
        log.error("job_failed", extra=facts | described(error))
        return False, outcome(JobFailed("tache_en_erreur", genre=type(error).__name__))


def _alert(tx: Transaction, job: str, slot: str, ok: bool) -> None:
    if ok:
        alerts.end(tx, JOBS[job].alert, job)
    else:
        alerts.begin(tx, JOBS[job].alert, job, details={"tache": job, "periode": slot})
