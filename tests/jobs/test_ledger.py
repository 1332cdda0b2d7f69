"""Each job runs once for its day, whoever lives and dies."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fleet.database import alerts, tables
from fleet.database.engine import Database
from fleet.jobs import ledger, running
from fleet.jobs.ledger import DEAD, Run, RunLost
from fleet.jobs.settings import JobSettings
from fleet.jobs.table import SCHEDULES
from tests.jobs.conftest import Go

ZONE = "Indian/Reunion"
run = tables.job_run


def known_since_yesterday(database: Database) -> None:
    with database.transaction() as tx:
        for job in SCHEDULES:
            ledger._insert(
                tx,
                job=job,
                slot="2000-01-01",
                created_at=tx.now - timedelta(days=1),
                finished_at=tx.now,
                ok=True,
            )


def due(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as tx:
        return ledger.due(tx, SCHEDULES, ZONE)


def taken(database: Database, job: str, slot: str, holder: str = "one") -> Run:
    made = ledger.take(database, job, slot, holder)
    assert made is not None
    return made


def die(database: Database, dead: Run) -> None:
    with database.transaction() as tx:
        tx.execute(
            update(run).where(run.c.slot == dead.slot).values(seen_at=tx.now - DEAD - timedelta(seconds=1))
        )


def test_a_new_deployment_has_missed_nothing(database: Database) -> None:
    assert due(database) == []
    assert due(database) == []


def test_what_fell_into_a_downtime_is_made_up_for_once(database: Database) -> None:
    known_since_yesterday(database)
    waiting = due(database)
    assert {job for job, _ in waiting} == set(SCHEDULES)
    for job, slot in waiting:
        mine = taken(database, job, slot)
        with database.transaction() as tx:
            mine.finish(tx, True, {})
    assert due(database) == []


def test_eight_controllers_run_a_slot_once(database: Database) -> None:
    known_since_yesterday(database)
    start, got = threading.Barrier(8), []

    def race(holder: str) -> None:
        start.wait()
        mine = ledger.take(database, "backup", "2026-11-21", holder)
        if mine is not None:
            got.append(mine)

    racers = [threading.Thread(target=race, args=[f"c{n}"]) for n in range(8)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert len(got) == 1


def test_two_runs_of_one_job_do_not_go_on_at_once(database: Database) -> None:
    taken(database, "backup", "2026-11-21")
    with database.transaction() as tx:
        by_hand = ledger.ask(tx, "backup", None)
    assert ledger.take(database, "backup", by_hand, "two") is None
    assert ledger.take(database, "log_cleanup", "2026-11-21", "two") is not None


def test_a_run_whose_controller_died_is_taken_up_and_the_dead_one_changes_nothing_more(
    database: Database,
) -> None:
    known_since_yesterday(database)
    frozen = taken(database, "backup", "2026-11-21", "frozen")
    die(database, frozen)
    taken(database, "backup", "2026-11-21", "other")
    with pytest.raises(RunLost), frozen.step() as tx:
        tx.tell(0, "never")
    with pytest.raises(RunLost), database.transaction() as tx:
        frozen.finish(tx, True, {})


def test_a_dead_run_by_hand_does_not_block_its_job(database: Database) -> None:
    with database.transaction() as tx:
        slot = ledger.ask(tx, "backup", None)
    die(database, taken(database, "backup", slot))
    taken(database, "backup", "2026-11-21", "other")
    with database.read() as tx:
        buried = tx.execute(select(run).where(run.c.slot == slot)).one()
    assert (buried.ok, buried.outcome["motif"]) == (False, "tache_interrompue")


def test_a_run_that_was_asked_for_is_due_until_it_ran(database: Database) -> None:
    assert due(database) == []
    with database.transaction() as tx:
        slot = ledger.ask(tx, "old_sessions", None)
    assert due(database) == [("old_sessions", slot)]
    assert running.run_due(database, JobSettings(), "one") == 1
    assert due(database) == []


def test_a_failed_run_raises_an_alert_that_the_next_good_one_ends(
    database: Database, go: Go, settings: JobSettings
) -> None:
    assert settings.backups is not None
    settings.backups.folder.write_text("a file where the folder should be")
    assert go("backup", fails=True)["erreur"]
    with database.read() as tx:
        assert alerts.open_keys(tx, alerts.BACKUP) == {"backup"}
    settings.backups.folder.unlink()
    go("backup")
    with database.read() as tx:
        assert alerts.count_open(tx) == {}


def test_an_alert_is_one_row_while_it_lasts(database: Database) -> None:
    with database.transaction() as tx:
        assert alerts.begin(tx, alerts.DISK, "data", details={"libre": 3}) is True
    with database.transaction() as tx:
        assert alerts.begin(tx, alerts.DISK, "data", details={"libre": 2}) is False
        assert alerts.end(tx, alerts.DISK, "data") is True
        assert alerts.end(tx, alerts.DISK, "data") is False
    with database.transaction() as tx:
        assert alerts.begin(tx, alerts.DISK, "data") is True
    with database.read() as tx:
        assert len(tx.execute(select(tables.alert)).all()) == 2
