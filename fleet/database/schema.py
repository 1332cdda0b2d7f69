"""Bringing a database to the schema of this version, and waiting until it is there.

Two programs that start at once may both upgrade: the second waits, and finds nothing left to do.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from fleet.database.engine import Database, DatabaseDown

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_081_305_226
_PAUSE_S = 0.2


class SchemaOutdated(DatabaseDown):
    """The database answers, but its schema is not that of this version: run `ppm migrate`."""


def head() -> str:
    """The revision of this version."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def revisions() -> set[str]:
    """Every revision that this version knows how to go on from."""
    return {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}


def current(database: Database) -> str | None:
    """The revision that a database is at; None when it is empty. Raises DatabaseDown."""
    try:
        with database.read() as tx:
            # Its table is another one each time: kept, it would push what is asked often out of the cache.
            connection = tx.connection.execution_options(compiled_cache=None)
            revision: str | None = MigrationContext.configure(connection).get_current_revision()
            return revision
    except OperationalError as error:
        raise DatabaseDown(str(error.orig)) from error


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring a database to a revision, in one transaction; a second upgrade at once waits for the first."""
    with _alone(database) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take a database back to a revision (`base`: an empty one), in one transaction. Loses what it undoes."""
    with _alone(database) as connection:
        command.downgrade(_config(connection), revision)


def wait_for(database: Database, timeout_s: float, pause: Callable[[float], None] = time.sleep) -> None:
    """Return once the database answers and has the schema of this version.

    Raises SchemaOutdated or DatabaseDown when it is not so after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return _require_head(database)
        except DatabaseDown:
            if time.monotonic() >= deadline:
                raise
        pause(_PAUSE_S)


def _require_head(database: Database) -> None:
    found, wanted = current(database), head()
    if found != wanted:
        said = f"the schema is at {found}" if found else "the database is empty"
        raise SchemaOutdated(f"{said}; this version needs {wanted}")


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        if not database.is_postgresql:
            # A table that is rebuilt must not take its children with it, and no transaction can switch this.
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if database.is_postgresql:
                    for limit in ("lock_timeout", "idle_in_transaction_session_timeout"):
                        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield connection
                _check_references(database, connection)
        finally:
            if not database.is_postgresql:
                _driver(connection).execute("PRAGMA foreign_keys=ON")


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _check_references(database: Database, connection: Connection) -> None:
    if not database.is_postgresql:
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        assert lost is None, f"a migration leaves a reference to nothing: {lost}"
