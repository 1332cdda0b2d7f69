"""Who runs which job when: the database sees to it that nothing runs twice, and that nothing is forgotten.

A run is a row. Taking it is a conditional write; every step of it holds the row, so that a controller that froze
and was replaced can change nothing more. A run whose `seen_at` is old is dead, and somebody else takes it up.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from fleet.database.engine import Database, Transaction
from fleet.database.tables import job_run
from fleet.domain.errors import FleetError
from fleet.domain.schedule import Schedule
from fleet.jobs.failures import JobFailed, outcome

DEAD = timedelta(seconds=90)
BEAT_S = 20.0
TOPIC = "job"
LATEST = "latest"
_FIRST = {"premier": True}


class RunLost(FleetError):
    """Another controller has taken this run up: stop, and change nothing more."""


@dataclass(frozen=True)
class Run:
    """A run that is ours. `slot` is the local day or month that it is for."""

    database: Database
    job: str
    slot: str
    holder: str
    started_at: datetime

    @contextmanager
    def step(self) -> Iterator[Transaction]:
        """A transaction of this run, and of no other. Raises RunLost."""
        with self.database.transaction() as tx:
            self._hold(tx)
            yield tx

    def _hold(self, tx: Transaction, **values: Any) -> None:
        if tx.execute(update(job_run).where(self._mine()).values(seen_at=tx.now, **values)).rowcount != 1:
            raise RunLost(f"{self.job} {self.slot}")

    def _mine(self) -> ColumnElement[bool]:
        return and_(
            job_run.c.job == self.job,
            job_run.c.slot == self.slot,
            job_run.c.holder == self.holder,
            job_run.c.started_at == self.started_at,
            job_run.c.finished_at.is_(None),
        )

    def finish(self, tx: Transaction, ok: bool, outcome: Mapping[str, Any]) -> None:
        """Say how it went. Raises RunLost."""
        self._hold(tx, finished_at=tx.now, ok=ok, outcome=dict(outcome))
        tx.tell(0, TOPIC)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Keep others from taking it up, for the length of a block."""
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=[over.wait], name=f"alive {self.job}", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()

    def _beat(self, over: Callable[[float], bool]) -> None:
        while not over(BEAT_S):
            with suppress(RunLost, DBAPIError), self.step():
                pass


def due(tx: Transaction, schedules: Mapping[str, Schedule], zone: str) -> list[tuple[str, str]]:
    """What should run now: slots that are due, runs that were asked for or whose runner died. Sees the first day too:
    what was due before a job was ever known is not missed."""
    by_calendar = select(job_run.c.job).where(job_run.c.slot.not_like("%:%")).distinct()
    known = set(tx.execute(by_calendar).scalars())
    slots = {job: schedule.slot(tx.now, zone) for job, schedule in schedules.items()}
    for job in slots.keys() - known:
        _insert(tx, job=job, slot=slots[job], created_at=tx.now, finished_at=tx.now, ok=True, outcome=_FIRST)
    now_due = (and_(job_run.c.job == job, job_run.c.slot == slot) for job, slot in slots.items())
    open_or_due = or_(job_run.c.finished_at.is_(None), *now_due)
    rows = {(row.job, row.slot): row for row in tx.execute(select(job_run).where(open_or_due))}
    missing = [(job, slot) for job, slot in slots.items() if job in known and (job, slot) not in rows]
    waiting = [key for key, row in rows.items() if row.finished_at is None and _is_free(row, tx.now)]
    return [one for one in waiting + missing if one[0] in schedules]


def _is_free(row: Any, now: datetime) -> bool:
    return row.started_at is None or row.seen_at < now - DEAD


def take(database: Database, job: str, slot: str, holder: str) -> Run | None:
    """Make a run ours; None when it is done, somebody else's, or another run of the same job is going on."""
    with database.transaction() as tx:
        now = tx.now
        _bury(tx, job, slot)
        running = {"started_at": now, "seen_at": now, "holder": holder}
        try:
            with tx.connection.begin_nested():
                taken = _take_up(tx, job, slot, running)
        except IntegrityError:
            return None
        if not taken and not _insert(tx, job=job, slot=slot, created_at=now, **running):
            return None
        return Run(database, job, slot, holder, now)


def _bury(tx: Transaction, job: str, slot: str) -> None:
    """Another run of this job that died and that nobody took up."""
    dead = (
        job_run.c.job == job,
        job_run.c.slot != slot,
        job_run.c.started_at.is_not(None),
        job_run.c.finished_at.is_(None),
        job_run.c.seen_at < tx.now - DEAD,
    )
    values = {"finished_at": tx.now, "ok": False, "outcome": outcome(JobFailed("tache_interrompue"))}
    tx.execute(update(job_run).where(*dead).values(**values))


def _take_up(tx: Transaction, job: str, slot: str, running: Mapping[str, Any]) -> bool:
    free = or_(job_run.c.started_at.is_(None), job_run.c.seen_at < tx.now - DEAD)
    mine = (job_run.c.job == job, job_run.c.slot == slot, job_run.c.finished_at.is_(None), free)
    return tx.execute(update(job_run).where(*mine).values(**running)).rowcount == 1


def _insert(tx: Transaction, **values: Any) -> bool:
    made = (pg_insert if tx.is_postgresql else sqlite_insert)(job_run).values(**values)
    return tx.execute(made.on_conflict_do_nothing()).rowcount == 1


def ask(tx: Transaction, job: str, operateur_id: int | None) -> str:
    """Ask for a run by hand; gives its slot. A controller takes it up at once."""
    slot = f"{tx.now:%Y-%m-%dT%H:%M:%S.%f}"
    _insert(tx, job=job, slot=slot, created_at=tx.now, operateur_id=operateur_id)
    tx.tell(0, TOPIC)
    return slot


def note(database: Database, job: str, holder: str, started_at: datetime, outcome: Mapping[str, Any]) -> None:
    """Keep the latest run of what needs no ledger, because each controller does its own part of it."""
    with database.transaction() as tx:
        times = {"created_at": started_at, "started_at": started_at, "finished_at": tx.now}
        values = {**times, "holder": holder, "ok": True, "outcome": dict(outcome)}
        made = (pg_insert if tx.is_postgresql else sqlite_insert)(job_run).values(
            job=job, slot=LATEST, **values
        )
        tx.execute(made.on_conflict_do_update(index_elements=["job", "slot"], set_=values))
