"""A room of three postes on each database, and runs of jobs in it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from fleet.database import tables
from fleet.database.engine import Database
from fleet.jobs import ledger, running
from fleet.jobs.settings import Backups, JobSettings
from tests.support.rooms import Room, make_room

Go = Callable[..., dict[str, Any]]


@pytest.fixture
def room(database: Database) -> Room:
    return make_room(database)


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    return JobSettings(archives=tmp_path / "archives", backups=Backups(tmp_path / "backups", keep=2))


@pytest.fixture
def go(database: Database, settings: JobSettings) -> Go:
    """Runs a job by hand; its outcome."""

    def work(job: str, with_settings: JobSettings = settings, fails: bool = False) -> dict[str, Any]:
        with database.transaction() as tx:
            slot = ledger.ask(tx, job, None)
        done = running.run_one(database, with_settings, job, slot, "tests")
        assert done is not None
        assert done[0] is not fails, done
        return dict(done[1])

    return work


def older(database: Database, days: int) -> None:
    """Let all sessions, people and what machines told be older."""
    columns = {
        tables.session: ("created_at", "updated_at", "debut_session", "fin_session"),
        tables.utilisateur: ("created_at", "updated_at"),
    }
    with database.transaction() as tx:
        for table, names in columns.items():
            for row in tx.execute(table.select()).all():
                moved = {
                    name: value - timedelta(days=days)
                    for name in names
                    if (value := getattr(row, name)) is not None
                }
                tx.execute(update(table).where(table.c.id == row.id).values(**moved))
