"""Real parts for every test: one broker and one PostgreSQL per worker, made on first use."""

import itertools
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from fleet.database.engine import Database
from fleet.database.tables import metadata
from ppm.parts.broker import Binary, PrivateBroker, find_mosquitto
from ppm.parts.postgres import PrivatePostgres
from tests.support.databases import migrate

_CACHE = Path(__file__).parent.parent / ".cache"
_numbers = itertools.count(1)
_servers: list[PrivatePostgres] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what PostgreSQL itself said where a connection to it failed: a client does not know why a server went."""
    report = yield
    if report.failed and ("psycopg2." in report.longreprtext or "database_down" in report.caplog):
        report.sections += [("PostgreSQL's log", server.said()) for server in _servers]
    return report


@pytest.fixture(scope="session")
def mosquitto_binary() -> Binary:
    """Mosquitto's programs: the system's, or those in the project's cache."""
    return find_mosquitto(_CACHE)


@pytest.fixture(scope="session")
def broker(mosquitto_binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """A running broker, shared: use a `site` of your own, and neither stop nor freeze it."""
    with PrivateBroker(mosquitto_binary, tmp_path_factory.mktemp("broker")) as shared:
        yield shared


@pytest.fixture
def own_broker(mosquitto_binary: Binary, tmp_path: Path) -> Iterator[PrivateBroker]:
    """A running broker for one test, to do with as it pleases."""
    with PrivateBroker(mosquitto_binary, tmp_path / "broker") as own:
        yield own


@pytest.fixture
def site() -> str:
    """A slug that no other test of this worker uses."""
    return f"site-{next(_numbers)}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A running PostgreSQL, shared: use databases of your own, and neither stop nor freeze it."""
    with PrivatePostgres(fsync=False) as shared:
        _servers.append(shared)
        yield shared


@pytest.fixture
def own_postgres() -> Iterator[PrivatePostgres]:
    """A running, durable PostgreSQL for one test, to do with as it pleases."""
    with PrivatePostgres() as own:
        yield own


@pytest.fixture
def fresh_database_url(postgres: PrivatePostgres) -> Iterator[Callable[[], str]]:
    """Makes PostgreSQL databases without anything in them, dropped after the test; gives their URLs."""
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{next(_numbers)}")
        return postgres.create_database(names[-1])

    yield make
    for name in names:
        postgres.drop_database(name)


@pytest.fixture
def postgres_url(postgres: PrivatePostgres, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database of one's own, with the schema and nothing in it."""
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(name, postgres_template)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def postgres_template(postgres: PrivatePostgres) -> str:
    """The name of a PostgreSQL database that has the schema and nothing in it."""
    name = "schema_template"
    migrate(postgres.create_database(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that has the schema and nothing in it."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of one's own, schema and all; the test runs once for each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    path = tmp_path / "fleet.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_shared(postgres: PrivatePostgres, postgres_template: str) -> str:
    """The URL of a PostgreSQL database that tests use in turn, emptied in between: quicker than new ones."""
    return postgres.create_database("shared", postgres_template)


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with nothing in it, whose schema stays as it is; the test runs once for each kind."""
    if request.param == "postgresql":
        opened = Database(request.getfixturevalue("postgres_shared"))
        _empty(opened)
    else:
        path = tmp_path / "fleet.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


def _empty(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
