"""The whole database into one file, as of one instant, while others go on writing; and back from it."""

import os
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from fleet.database import audit
from fleet.database.audit import Anchor
from fleet.database.engine import Database
from fleet.domain.errors import Refused

_KEPT = "before_restore"


class DumpFailed(Refused):
    """The database's own tool could not do it; `dit` is what it said."""


@dataclass(frozen=True)
class Dumped:
    """When the copy is of, and where each audit chain was then."""

    taken_at: datetime
    anchors: list[Anchor]


def dump(database: Database, path: Path) -> Dumped:
    """Write a copy to `path`, which must not exist. Raises DumpFailed."""
    return _dump_postgresql(database, path) if database.is_postgresql else _dump_sqlite(database, path)


def load(database: Database, path: Path) -> None:
    """Put the copy in the place of all that is there. Nothing is changed when it cannot be read. Raises DumpFailed."""
    database.engine.dispose()
    if database.is_postgresql:
        _load_postgresql(database, path)
    else:
        _load_sqlite(database, path)


def _dump_postgresql(database: Database, path: Path) -> Dumped:
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        taken_at = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        words = ["--format=custom", "--no-owner", "--no-acl", f"--snapshot={snapshot}", f"--file={path}"]
        _tool(database.url, "pg_dump", *words)
        return Dumped(taken_at, audit.anchors(connection))


def _dump_sqlite(database: Database, path: Path) -> Dumped:
    with database.read() as tx:
        taken_at = tx.now
    with closing(sqlite3.connect(str(database.url.database), timeout=30)) as source:
        source.execute("VACUUM INTO ?", [str(path)])
    copy = Database(f"sqlite:///{path}", pool_size=1)
    try:
        with copy.read() as tx:
            return Dumped(taken_at, audit.anchors(tx.connection))
    finally:
        copy.close()


def _load_postgresql(database: Database, path: Path) -> None:
    """Beside what is there, which goes when the copy is whole and comes back when it is not."""
    words = ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction"]
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE")
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
        connection.exec_driver_sql(f"ALTER SCHEMA public RENAME TO {_KEPT}; CREATE SCHEMA public")
        try:
            _tool(database.url, "pg_restore", *words, f"--dbname={database.url.database}", str(path))
        except DumpFailed:
            connection.exec_driver_sql(f"DROP SCHEMA public CASCADE; ALTER SCHEMA {_KEPT} RENAME TO public")
            raise
        connection.exec_driver_sql(f"DROP SCHEMA {_KEPT} CASCADE")
    database.engine.dispose()


def _load_sqlite(database: Database, path: Path) -> None:
    target = Path(str(database.url.database))
    with closing(sqlite3.connect(path)) as source:
        try:
            if source.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise DumpFailed("sauvegarde_abimee")
            with closing(sqlite3.connect(target, timeout=30)) as live:
                source.backup(live)
        except sqlite3.DatabaseError as error:
            if "not a database" not in str(error) and "malformed" not in str(error):
                raise DumpFailed("copie_impossible", outil="SQLite", dit=str(error)) from error
            _replace(source, target)


def _replace(source: sqlite3.Connection, target: Path) -> None:
    """What is there is no database any more: it is put aside."""
    target.replace(target.with_name(f"{target.name}.damaged"))
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as live:
        source.backup(live)


def _tool(url: URL, name: str, *words: str) -> None:
    """Run one of PostgreSQL's tools on this database; its password is not on the command line."""
    given: dict[str, Any] = {"PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    given |= {"PGDATABASE": url.database, "PGSSLMODE": url.query.get("sslmode")}
    given |= {"PGHOST": url.query.get("host", url.host)}
    environment = os.environ | {key: str(value) for key, value in given.items() if value is not None}
    try:
        done = subprocess.run([name, *words], env=environment, capture_output=True, text=True)
    except FileNotFoundError:
        raise DumpFailed("outil_absent", outil=name) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-200:] or str(done.returncode)
        raise DumpFailed("copie_impossible", outil=name, dit=said)
