"""The trail and the ledger are only added to: the database itself refuses anything else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from fleet.database import audit, tables
from fleet.database.audit import Entry
from fleet.usecases import sessions
from tests.support.rooms import Room

log, octroi = tables.log, tables.grant
OTHER = {
    "String": "x",
    "Text": "x",
    "LargeBinary": b"x",
    "JSON": {"x": 1},
    "Instant": datetime(2020, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def written(room: Room) -> Room:
    """A room with four entries about persons, and a session of 30 minutes that was given 10 more."""
    with room.tx() as tx:
        for n in range(4):
            tx.record(Entry("erreur", room.site_id, personal={"ip": f"192.0.2.{n}"}))
    sessions.add_time(room.fleet, room.actor, room.running(1800), 600)
    return room


def _refused(room: Room, statement: Any) -> None:
    with pytest.raises(IntegrityError, match="append-only"), room.tx() as tx:
        tx.execute(statement)


def _another(table: Any, name: str) -> Any:
    return OTHER.get(type(table.c[name].type).__name__, 7_000)


def _archived(room: Room, until: int) -> None:
    part = {
        "chain": room.site_id, "premier": 1, "dernier": until, "previous_hash": bytes(32), "hash": bytes(32),
        "fichier": "journal-1.jsonl.gz", "sha256": bytes(32),
    }  # fmt: skip
    with room.tx() as tx:
        tx.execute(insert(tables.log_archive).values(**part, created_at=tx.now))


def test_no_column_of_the_trail_can_be_changed(written: Room) -> None:
    for column in {one.name for one in log.c} - {"personal", "salt"}:
        changed = update(log).where(log.c.numero == 1).values({column: _another(log, column)})
        _refused(written, changed)
        _refused(written, changed.values(personal=None, salt=None))


def test_personal_data_can_be_erased_but_not_replaced(written: Room) -> None:
    _refused(written, update(log).where(log.c.numero == 1).values(personal={"ip": "192.0.2.99"}))
    _refused(written, update(log).where(log.c.numero == 1).values(personal=None))
    with written.tx() as tx:
        tx.execute(update(log).where(log.c.numero <= 4).values(personal=None, salt=None))
    with written.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []
    assert all(line.personal is None for line in written.log("erreur"))


def test_only_what_is_in_an_archive_can_be_deleted_from_the_trail(written: Room) -> None:
    _refused(written, delete(log).where(log.c.numero == 1))
    _archived(written, 2)
    _refused(written, delete(log).where(log.c.numero <= 3))
    with written.tx() as tx:
        assert tx.execute(delete(log).where(log.c.numero <= 2)).rowcount == 2
    assert written.log()[0].numero == 3


def test_no_line_of_the_ledger_can_be_changed(written: Room) -> None:
    for column in [one.name for one in octroi.c]:
        _refused(written, update(octroi).values({column: _another(octroi, column)}))


def test_a_line_of_the_ledger_is_given_its_rev_once(written: Room) -> None:
    with written.fleet.database.read() as tx:
        line = tx.execute(select(octroi)).first()
    assert line is not None
    values = {"session_id": line.session_id, "genre": "ajout", "montant_ms": 1, "created_at": line.created_at}
    with written.tx() as tx:
        made = tx.execute(insert(octroi).values(**values).returning(octroi.c.id)).scalar_one()
        tx.execute(update(octroi).where(octroi.c.id == made).values(rev=7))
        tx.execute(insert(octroi).values(**values, rev=8))
    _refused(written, update(octroi).where(octroi.c.id == made).values(rev=9))
    _refused(written, update(octroi).where(octroi.c.id == made).values(rev=None))


def test_the_ledger_goes_only_with_its_session(written: Room) -> None:
    _refused(written, delete(octroi))
    with written.tx() as tx:
        tx.execute(delete(tables.session))
        assert tx.execute(select(octroi.c.id)).all() == []


@pytest.mark.parametrize("table", ["log", "octroi"])
def test_neither_can_be_emptied_at_once(written: Room, table: str) -> None:
    if not written.fleet.database.is_postgresql:
        return _refused(written, text(f"DELETE FROM {table}"))  # it has no TRUNCATE
    return _refused(written, text(f"TRUNCATE {table} CASCADE"))
