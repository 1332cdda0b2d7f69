"""The jobs as the desk sees them: when each ran and how it went, when it is due, and running one by hand."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import func, or_, select

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.tables import job_run, operateur
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import NotFound
from fleet.domain.schedule import Schedule
from fleet.jobs import ledger
from fleet.jobs.table import JOBS, SWEEP, SWEEP_MINUTES
from fleet.usecases.fleet import Fleet

_SWEEP_TITLE = "Rattraper les fins de session"


class RunView(Struct, frozen=True, kw_only=True):
    """One run. `duree` in seconds; `resultat` is what it did, or why it failed."""

    periode: str
    demandee_a: datetime
    debut: datetime | None
    fin: datetime | None
    duree: float | None
    reussie: bool | None
    resultat: dict[str, Any] | None
    demandee_par: str | None


class JobView(Struct, frozen=True, kw_only=True):
    """One job: what it is, its last run, and when it is due next."""

    id: str
    titre: str
    frequence: str
    en_cours: bool
    derniere: RunView | None
    prochaine: datetime


class JobList(Struct, frozen=True):
    """Every job."""

    resultats: list[JobView]


class RunAsked(Struct, frozen=True):
    """A run was asked for; a controller takes it up at once."""

    id: str
    periode: str


def every(fleet: Fleet, _actor: Actor, zone: str) -> JobList:
    """All jobs with their last runs."""
    place = func.row_number().over(partition_by=job_run.c.job, order_by=job_run.c.created_at.desc())
    happened = or_(job_run.c.started_at.is_not(None), job_run.c.finished_at.is_(None))
    numbered = select(job_run, place.label("place")).where(happened).subquery()
    running = numbered.c.started_at.is_not(None) & numbered.c.finished_at.is_(None)
    login = operateur.c.login.label("login")
    with fleet.database.glance() as tx:
        clock = select(listing.now_column(tx)).subquery("clock")
        wanted = (
            select(numbered, login, clock.c.maintenant)
            .select_from(clock.outerjoin(numbered, (numbered.c.place == 1) | running))
            .outerjoin(operateur, operateur.c.id == numbered.c.operateur_id)
        )
        rows = tx.execute(wanted.order_by(numbered.c.place.desc())).all()
    now = rows[0].maintenant
    last = {row.job: row for row in rows}
    busy = {row.job for row in rows if row.started_at is not None and row.finished_at is None}
    swept = last[SWEEP].finished_at if SWEEP in last else now
    jobs = [
        _view(name, job.title, job.schedule, last.get(name), name in busy, now, zone)
        for name, job in JOBS.items()
    ]
    return JobList([_sweep(last.get(SWEEP), swept), *jobs])


def ask(fleet: Fleet, actor: Actor, job: str) -> RunAsked:
    """Ask for a run now. Raises NotFound."""
    fleet.require(actor, ADMINISTRATEUR, "lancement_tache")
    if job != SWEEP and job not in JOBS:
        raise NotFound("tache")
    with fleet.database.transaction() as tx:
        if job == SWEEP:
            tx.tell(0, SWEEP)
            slot = ledger.LATEST
        else:
            slot = ledger.ask(tx, job, actor.operateur_id)
        personal = {"ip": actor.ip} if actor.ip else None
        facts = {"tache": job, "periode": slot}
        tx.record(
            Entry("lancement_tache", operateur_id=actor.operateur_id, metadata=facts, personal=personal)
        )
        return RunAsked(job, slot)


def _sweep(row: Any, swept: datetime) -> JobView:
    return JobView(
        id=SWEEP,
        titre=_SWEEP_TITLE,
        frequence=f"toutes les {SWEEP_MINUTES} minutes",
        en_cours=False,
        derniere=None if row is None else _run(row),
        prochaine=swept + timedelta(minutes=SWEEP_MINUTES),
    )


def _view(
    name: str, title: str, schedule: Schedule, row: Any, busy: bool, now: datetime, zone: str
) -> JobView:
    often = "le 1er du mois" if schedule.monthly else "tous les jours"
    return JobView(
        id=name,
        titre=title,
        frequence=f"{often} à {schedule.at:%H:%M}",
        en_cours=busy,
        derniere=None if row is None else _run(row),
        prochaine=schedule.next(now, zone),
    )


def _run(row: Any) -> RunView:
    ended = row.started_at is not None and row.finished_at is not None
    return RunView(
        periode=row.slot,
        demandee_a=row.created_at,
        debut=row.started_at,
        fin=row.finished_at,
        duree=(row.finished_at - row.started_at).total_seconds() if ended else None,
        reussie=row.ok,
        resultat=row.outcome,
        demandee_par=row.login,
    )
