"""A private PostgreSQL keeps what it committed, whatever happens to its processes."""

from collections.abc import Callable
from pathlib import Path

import psycopg2
from sqlalchemy import create_engine, text

from ppm.parts.postgres import PrivatePostgres


def test_what_was_committed_survives_the_death_of_every_process(own_postgres: PrivatePostgres) -> None:
    own_postgres.create_database("kept")
    writer = psycopg2.connect(own_postgres.dsn("kept"))
    writer.cursor().execute("CREATE TABLE kept (n integer); INSERT INTO kept VALUES (1)")
    writer.commit()
    own_postgres.kill9()
    assert not own_postgres.running
    own_postgres.start()
    writer.close()
    reader = psycopg2.connect(own_postgres.dsn("kept"))
    with reader.cursor() as cursor:
        cursor.execute("SELECT n FROM kept")
        assert cursor.fetchall() == [(1,)]
    reader.close()


def test_its_folder_goes_with_it() -> None:
    with PrivatePostgres() as server:
        folder: Path = server.folder
        assert folder.exists()
    assert not folder.exists()


def test_each_test_has_databases_of_its_own(fresh_database_url: Callable[[], str]) -> None:
    first, second = fresh_database_url(), fresh_database_url()
    assert first != second
    engine = create_engine(first)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()
