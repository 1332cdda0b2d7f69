"""Every job: when it is due and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from fleet.database import alerts
from fleet.domain.schedule import Schedule
from fleet.jobs import archive, backup, reports, retention, rollups
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings

Work = Callable[[Run, JobSettings], Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """One job. Its outcome is facts without personal data."""

    schedule: Schedule
    title: str
    work: Work
    alert: str = alerts.JOB


JOBS: dict[str, Job] = {
    "log_archive": Job(Schedule(time(1, 0), monthly=True), "Archiver le journal", archive.archive),
    "backup": Job(Schedule(time(2, 0)), "Sauvegarder", backup.job, alerts.BACKUP),
    "log_cleanup": Job(Schedule(time(3, 0)), "Retirer du journal ce qui est archivé", archive.clean),
    "sessions_report": Job(Schedule(time(6, 0)), "Rapport des sessions de la veille", reports.sessions),
    "logs_report": Job(Schedule(time(6, 30)), "Rapport du journal de la veille", reports.logs),
    "old_sessions": Job(Schedule(time(4, 0)), "Effacer ce qui est trop ancien", retention.purge),
    "closed_days": Job(Schedule(time(5, 0)), "Faire le bilan des jours finis", rollups.close),
}
SCHEDULES = {name: job.schedule for name, job in JOBS.items()}
SWEEP, SWEEP_MINUTES = "sweep", 5
"""Not here: each controller sweeps the sites that it drives, every few minutes."""
