"""Opening what commands work with: the settings, the database, a site or a poste by its slug or its id."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Table, make_url, select

from fleet.database import schema
from fleet.database.engine import Database, DatabaseDown
from fleet.database.register import Register
from fleet.database.tables import operateur, poste, site
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands.numbers import identifier
from ppm.instants import Zones
from ppm.setting_values import Settings
from ppm.words import heading, say


def code_keys(settings: Settings) -> CodeKeys:
    """The keys of the deployment's codes. Raises SettingError."""
    return CodeKeys.from_secret(settings[table.CODE_SECRET].encode())


def refuse_sqlite(settings: Settings) -> None:
    """Raises CommandFailed where API and controller would be two processes: what is decided in one must reach the
    other at once, and an SQLite file calls nobody."""
    if make_url(settings[table.DATABASE_URL]).get_backend_name() == "sqlite":
        raise CommandFailed(
            f"{table.DATABASE_URL.name}: an SQLite file is for one server process: ppm api --with-controller "
            "(two programs want PostgreSQL)"
        )


@contextmanager
def opened(
    *,
    codes: bool = False,
    check: bool = True,
    settings: Settings | None = None,
    register: Register | None = None,
) -> Iterator[Fleet]:
    """The deployment's memory, for the length of a block; with `codes`, its keys too.

    Without them the keys are made up: what is done then touches no code. Who is forgotten in the block is written into
    the register. Raises SettingError, CommandFailed.
    """
    settings = settings or Settings.load()
    keys = code_keys(settings) if codes else CodeKeys.from_secret(secrets.token_bytes(32))
    database = Database(settings[table.DATABASE_URL], pool_size=2, register=register)
    try:
        if check:
            _look(database)
        yield Fleet(database, keys)
    finally:
        database.close()


def _look(database: Database) -> None:
    """Raises CommandFailed that names a database which does not answer, SchemaOutdated."""
    try:
        schema.wait_for(database, 0)
    except schema.SchemaOutdated:
        raise
    except DatabaseDown as error:
        raise unreachable(database, error) from None


def unreachable(database: Database, error: DatabaseDown) -> CommandFailed:
    """What to say of a database that does not answer: its URL without the password (SQLite: its file), and why."""
    return CommandFailed(f"{database.url.render_as_string(hide_password=True)}: {error}")


def site_id(fleet: Fleet, word: str) -> int:
    """The id of a site, by its slug or its id. Raises CommandFailed."""
    return _id(fleet, site, "slug", word, "site")


def poste_id(fleet: Fleet, word: str) -> int:
    """The id of a poste, by its slug or its id. Raises CommandFailed."""
    return _id(fleet, poste, "slug", word, "poste")


def operator_id(fleet: Fleet, word: str) -> int:
    """The id of an operator, by the login or the id. Raises CommandFailed."""
    return _id(fleet, operateur, "login", word.lower(), "operator")


def places(fleet: Fleet) -> dict[str, str]:
    """The site of every poste, by their slugs."""
    both = select(poste.c.slug, site.c.slug.label("site")).join_from(poste, site).order_by(poste.c.slug)
    with fleet.database.read() as tx:
        return {row.slug: row.site for row in tx.execute(both)}


def zones(fleet: Fleet) -> Zones:
    """The clocks that people read instants by. Raises SettingError."""
    with fleet.database.read() as tx:
        found = {row.slug: row.zone for row in tx.execute(select(site.c.slug, site.c.zone))}
    return Zones(Settings.load()[table.ZONE], found)


def _id(fleet: Fleet, where: Table, column: str, word: str, what: str) -> int:
    number = identifier(word)
    named = where.c[column] == word if number is None else where.c.id == number
    with fleet.database.read() as tx:
        found = tx.execute(select(where.c.id).where(named)).scalar()
    if found is None:
        raise CommandFailed(say("there_is_no", what=heading(what), word=word)) from NotFound(where.name)
    return int(found)
