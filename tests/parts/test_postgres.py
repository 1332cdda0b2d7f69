"""A private PostgreSQL keeps what it committed, whatever happens to its processes."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import create_engine, text

from ppm.parts.postgres import PrivatePostgres
from tests.support.databases import Copies


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


SITE = "INSERT INTO site (slug, nom, zone, created_at, updated_at) VALUES ('a', 'A', 'UTC', now(), now()) RETURNING id"


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        yield cursor


def test_a_database_that_was_used_is_as_new_for_the_next_test(copies: Copies) -> None:
    first = copies.take("used_before")
    with _cursor(first) as left_open:
        left_open.execute(SITE)
        copies.give_back("used_before")
        second = copies.take("used_after")
        with pytest.raises(psycopg2.OperationalError):
            left_open.execute(SITE)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"), _cursor(first):
        pass
    with _cursor(second) as cursor:
        cursor.execute(SITE)
        assert cursor.fetchall() == [(1,)]
        cursor.execute("SELECT count(*) FROM site")
        assert cursor.fetchall() == [(1,)]
    copies.give_back("used_after")


def test_a_database_whose_schema_a_test_changed_is_used_by_no_other(copies: Copies) -> None:
    with _cursor(copies.take("changed")) as cursor:
        cursor.execute("DROP INDEX ix_log_session_id")
    copies.give_back("changed")
    with _cursor(copies.take("next")) as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_log_session_id'")
        assert cursor.fetchall() == [(1,)]
    copies.give_back("next")
