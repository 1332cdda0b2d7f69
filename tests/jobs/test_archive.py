"""Old lines of the audit trail: archived, then deleted, and the trail still holds."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from fleet.database import audit, tables
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.jobs import archive
from fleet.jobs.settings import JobSettings, Keep
from tests.jobs.conftest import Go
from tests.support.rooms import Room
from tests.support.tampering import unguarded

log = tables.log
LONG_AGO = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def old(room: Room) -> Room:
    """A room with 25 old lines and five of today."""
    entries = [
        Entry("erreur", room.site_id, metadata={"n": n}, personal={"ip": "192.0.2.1"}) for n in range(25)
    ]
    with room.tx() as tx:
        audit.write(tx.connection, entries, LONG_AGO)
    with room.tx() as tx:
        for n in range(5):
            tx.record(Entry("erreur", room.site_id, details=str(n)))
    return room


def verified(database: Database, folder: Path) -> list[str]:
    with database.read() as tx:
        found = [f"{one.chain} {one.numero} {one.what}" for one in audit.verify(tx.connection)]
        return found + list(archive.check(folder, tx))


def lines(database: Database) -> int:
    with database.read() as tx:
        return int(
            tx.execute(select(func.count()).select_from(log).where(log.c.action == "erreur")).scalar_one()
        )


def folder_of(settings: JobSettings) -> Path:
    assert settings.archives is not None
    return settings.archives


def test_what_is_archived_is_deleted_and_the_trail_goes_on_from_there(
    old: Room, go: Go, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_LINES", 10)
    database, folder = old.fleet.database, folder_of(settings)
    with database.read() as tx:
        before = audit.anchors(tx.connection)
    assert go("log_cleanup") == {"lignes": 0}
    assert go("log_archive") == {"lignes": 25, "fichiers": 3}
    assert go("log_archive") == {"lignes": 0, "fichiers": 0}
    assert go("log_cleanup") == {"lignes": 25}
    assert lines(database) == 5
    assert verified(database, folder) == []
    with old.tx() as tx:
        tx.record(Entry("erreur", old.site_id))
    with database.read() as tx:
        assert list(audit.denied(tx.connection, before)) == []
    assert verified(database, folder) == []
    written = b"".join(gzip.decompress(one.read_bytes()) for one in folder.glob("*.gz"))
    assert written.count(b'"erreur"') == 25
    assert b"192.0.2.1" not in written


def test_only_what_is_archived_is_deleted(old: Room, go: Go, settings: JobSettings) -> None:
    go("log_cleanup", replace(settings, keep=Keep(logs=timedelta(0))))
    assert lines(old.fleet.database) == 30
    go("log_archive")
    next(folder_of(settings).glob("*.gz")).write_bytes(b"")
    assert "journal-" in go("log_cleanup", fails=True)["erreur"]
    assert lines(old.fleet.database) == 30


def test_an_altered_archive_is_named(old: Room, go: Go, settings: JobSettings) -> None:
    go("log_archive")
    path = next(path for path in folder_of(settings).glob("*.gz") if "site" in path.name)
    written = gzip.decompress(path.read_bytes()).replace(b'{"n":7}', b'{"n":8}')
    path.write_bytes(gzip.compress(written))
    assert [said.startswith(path.name) for said in verified(old.fleet.database, path.parent)] == [True, True]


def test_a_broken_chain_is_not_archived(old: Room, go: Go) -> None:
    with old.tx() as tx, unguarded(tx):
        tx.execute(text("UPDATE log SET details = 'x' WHERE numero = 7"))
    assert "7" in go("log_archive", fails=True)["erreur"]


def test_a_rewritten_trail_is_denied_by_an_anchor_that_was_kept(old: Room) -> None:
    database = old.fleet.database
    with database.read() as tx:
        kept = audit.anchors(tx.connection)
        assert list(audit.denied(tx.connection, kept)) == []
    with old.tx() as tx, unguarded(tx):
        tx.execute(text("UPDATE log SET hash = previous_hash WHERE numero = 30"))
    with database.read() as tx:
        assert [one.numero for one in audit.denied(tx.connection, kept)] == [30]
