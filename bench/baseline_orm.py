"""The old way: each fact is an object that is loaded, changed and saved, in a transaction of its own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Session

from bench.machine import cpu_seconds
from bench.stage import Stage
from fleet.database import tables

SECONDS = 6.0


class Model(DeclarativeBase):
    """Our tables, as objects."""

    metadata = tables.metadata
    __allow_unmapped__ = True


class Visit(Model):
    __table__ = tables.session
    restant_ms: int | None
    updated_at: datetime


class Presence(Model):
    __table__ = tables.presence
    derniere_connexion: datetime | None
    phase: str | None
    rev: int
    remaining_ms: int | None
    idle_s: int
    load: float


@dataclass(frozen=True)
class Saved:
    """How many were saved a second, and what each cost of the processor, here and in the database."""

    per_second: float
    cpu_each_s: float


def save_each_session(stage: Stage, count: int) -> Saved:
    """One second of each running session after the other: `remaining -= 1`, save."""

    def save(orm: Session, number: int) -> None:
        visit = orm.get_one(Visit, number)
        visit.restant_ms = (visit.restant_ms or 86_400_000) - 1000
        visit.updated_at = datetime.now(UTC)

    return _measure(stage, count, save)


def save_each_beat(stage: Stage, count: int) -> Saved:
    """One heartbeat after the other: load, note, save."""

    def save(orm: Session, number: int) -> None:
        seen = orm.get_one(Presence, number)
        seen.derniere_connexion = datetime.now(UTC)
        seen.phase, seen.rev, seen.remaining_ms, seen.idle_s, seen.load = "active", 1, number, 7, 0.25

    return _measure(stage, count, save)


def _measure(stage: Stage, count: int, save: Callable[[Session, int], None]) -> Saved:
    done, engine = 0, stage.fleet.database.engine
    with Session(engine) as orm:
        backend = orm.execute(text("SELECT pg_backend_pid()")).scalar_one()
        begun, cpu = time.perf_counter(), cpu_seconds(os.getpid()) + cpu_seconds(backend)
        while time.perf_counter() - begun < SECONDS:
            save(orm, done % count + 1)
            orm.commit()
            done += 1
        taken = time.perf_counter() - begun
        used = cpu_seconds(os.getpid()) + cpu_seconds(backend) - cpu
    return Saved(done / taken, used / done)
