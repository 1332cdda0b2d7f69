"""The migrations make exactly the schema that the code describes, alone even when two run at once."""

import re
import threading
import warnings
from collections.abc import Iterator
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, SAWarning

from fleet.database import schema, sums
from fleet.database.engine import Database, DatabaseDown
from fleet.database.tables import bilan, metadata
from fleet.domain.poste import sort_key

_DEFINITIONS = {
    "postgresql": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        UNION ALL
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        UNION ALL
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT table_name, column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable,
            column_default) FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
    "sqlite": "SELECT tbl_name, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'",
}


@pytest.fixture(params=["postgresql", "sqlite"])
def empty(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/empty.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_database_url")()
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def _definitions(database: Database) -> set[tuple[str, ...]]:
    with database.read() as tx:
        rows = tx.execute(text(_DEFINITIONS[database.engine.dialect.name])).all()
    return {tuple(_in_any_order(str(cell)) for cell in row) for row in rows}


def _in_any_order(definition: str) -> str:
    """SQLite keeps the text of each CREATE, whose parts may come in another order, and in one line."""
    parts = (part.strip(" \t)") for part in re.split("[,\n]", definition))
    return "\n".join(sorted(part for part in parts if part))


def test_migrations_lead_to_the_schema_that_the_code_describes(database: Database) -> None:
    with database.engine.connect() as connection, warnings.catch_warnings():
        # SQLite cannot show an index on an expression, nor one that runs backwards; the next test sees them.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression", SAWarning)
        warnings.filterwarnings("ignore", "autogenerate skipping metadata-specified expression", UserWarning)
        opts = {"compare_type": True, "include_object": lambda _, name, *__: name != "uq_bilan_depuis"}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_constraints_and_partial_indexes_are_those_of_the_code_to_the_letter(database: Database) -> None:
    migrated = _definitions(database)
    with database.engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == _definitions(database)


def test_an_upgrade_can_be_taken_back_to_nothing_and_made_again(database: Database) -> None:
    schema.downgrade(database, "base")
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert schema.current(database) is None
    schema.upgrade(database)
    assert schema.current(database) == schema.head()


def test_an_upgrade_that_has_nothing_to_do_changes_nothing(database: Database) -> None:
    before = _definitions(database)
    schema.upgrade(database)
    assert _definitions(database) == before


def test_programs_that_migrate_at_once_wait_for_each_other(empty: Database) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(6)

    def migrate() -> None:
        own = Database(empty.url, pool_size=1)
        try:
            together.wait(10)
            schema.upgrade(own)
        except Exception as error:  # noqa: BLE001  reported below, in the test's own thread
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=migrate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert schema.current(empty) == schema.head()


def test_references_are_enforced_after_a_migration_in_the_same_connection(empty: Database) -> None:
    schema.upgrade(empty)
    with pytest.raises(IntegrityError), empty.transaction() as tx:
        tx.execute(insert(metadata.tables["desired"]).values(poste_id=12, site_id=1))


def test_waiting_ends_when_the_schema_is_there(empty: Database) -> None:
    schema.wait_for(empty, 10, pause=lambda _: schema.upgrade(empty))
    assert schema.current(empty) == schema.head()


def test_waiting_for_a_schema_that_never_comes_says_what_is_missing(empty: Database) -> None:
    with pytest.raises(schema.SchemaOutdated, match=schema.head()):
        schema.wait_for(empty, 0.1, pause=lambda _: None)


def test_waiting_for_a_database_that_does_not_answer_says_so() -> None:
    nobody = Database("postgresql+psycopg2://ppm:x@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseDown, match="refused"):
        schema.wait_for(nobody, 0.1, pause=lambda _: None)
    nobody.close()


def test_asking_for_the_revision_leaves_nothing_behind(database: Database) -> None:
    """A watcher asks every few seconds, for years."""
    schema.current(database)
    kept = len(database.engine._compiled_cache or ())
    assert [schema.current(database) for _ in range(5)] == [schema.head()] * 5
    assert len(database.engine._compiled_cache or ()) == kept


def test_postes_of_before_have_their_place_in_the_order(empty: Database) -> None:
    schema.upgrade(empty, "0007")
    with empty.engine.begin() as connection:
        run = connection.exec_driver_sql
        run(
            "INSERT INTO site (id, slug, nom, zone, created_at, updated_at) "
            "VALUES (1, 'a', 'A', 'UTC', '2026-01-01', '2026-01-01')"
        )
        for number, name in enumerate(("Poste 10", "Poste 2", "Étage")):
            run(
                "INSERT INTO poste (slug, site_id, nom, created_at, updated_at) "
                f"VALUES ('p{number}', 1, '{name}', '2026-01-01', '2026-01-01')"
            )
    schema.upgrade(empty)
    with empty.read() as tx:
        rows = tx.execute(text("SELECT nom, nom_tri FROM poste ORDER BY id")).all()
    assert [(name, sort_key(name)) for name, _ in rows] == [tuple(row) for row in rows]
    assert rows[0].nom_tri == "poste 00000010"


def test_what_ended_days_added_up_to_is_kept_in_its_new_form(empty: Database) -> None:
    schema.upgrade(empty, "0009")
    before = {
        "sessions": '{"tout": {"": [3, 20, 6, 9]}, "cree": {"terminee": [3, 0, 0, 0]}, '
        '"poste": {"b": [1, 5, 2, 3], "a": [2, 15, 4, 6]}}',
        "logs": '{"tout": {"": [4]}, "action": {"refus": [4]}}',
    }
    for genre, sommes in before.items():
        with empty.engine.begin() as connection:
            row = {"genre": genre, "sommes": sommes}
            days = "'2026-01-01 20:00:00.000000', '2026-01-02 20:00:00.000000'"
            connection.execute(
                text(f"INSERT INTO bilan VALUES (:genre, 1, {days}, 'Indian/Reunion', :sommes)"), row
            )
    schema.upgrade(empty)
    with empty.read() as tx:
        kept = {row.genre: row for row in tx.execute(select(bilan))}
    assert kept["sessions"].jusqu_a - kept["sessions"].depuis == timedelta(days=1)
    assert {genre: sums.total([sums.reader()(row.sommes)]) for genre, row in kept.items()} == {
        "sessions": {
            "tout": {"": [3, 20, 6, 9]},
            "poste": {"a": [2, 15, 4], "b": [1, 5, 2]},
            "cree": {"terminee": [3]},
        },
        "logs": {"tout": {"": [4]}, "action": {"refus": [4]}},
    }
    schema.downgrade(empty, "0009")
    schema.upgrade(empty)
