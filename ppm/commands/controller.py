"""`ppm controller`."""

import asyncio

import click

from fleet.database import schema
from fleet.database.engine import Database
from fleet.usecases.fleet import Fleet
from ppm import addresses, compose, logs, systemd
from ppm import settings as table
from ppm.commands import opening
from ppm.commands.numbers import WAIT_S
from ppm.setting_values import Settings


@click.command()
@click.option(
    "--wait", "wait_s", type=WAIT_S, default=60.0, show_default=True, help="Seconds to wait for the database."
)
def controller(wait_s: float) -> None:
    """Own the time of every session, until stopped.

    Several may run: each site is driven by one of them, and another takes over within seconds. Not on an SQLite
    file, which is for one server process: use `ppm api --with-controller` there.
    """
    settings = Settings.load()
    opening.refuse_sqlite(settings)
    logs.set_up(settings[table.LOG_FORMAT], settings[table.LOG_LEVEL])
    broker = addresses.for_services(settings)
    database = Database(settings[table.DATABASE_URL], register=compose.register(settings))
    try:
        schema.wait_for(database, wait_s)
        fleet = Fleet(database, opening.code_keys(settings))
        made = compose.new_controller(fleet, settings, broker)
        telling = systemd.told(made.working, healthy=made.is_healthy)
        asyncio.run(compose.until_stopped(made.run(), telling))
    finally:
        database.close()
