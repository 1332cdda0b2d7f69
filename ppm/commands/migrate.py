"""`ppm migrate`."""

import time

import click

from fleet.database import schema
from fleet.database.engine import DatabaseDown
from fleet.usecases.fleet import Fleet
from ppm.commands import output
from ppm.commands.numbers import WAIT_S
from ppm.commands.opening import opened, unreachable

_PAUSE_S = 0.5


@click.command()
@click.option(
    "--wait", "wait_s", type=WAIT_S, default=60.0, show_default=True, help="Seconds to wait for the database."
)
@output.json_option
def migrate(wait_s: float, as_json: bool) -> None:
    """Wait for the database and bring it to the schema of this version.

    Two that run at once wait for each other. Nothing is done to a database that is there already.
    """
    with opened(check=False) as fleet:
        before = _when_there(fleet, wait_s)
        schema.upgrade(fleet.database)
        after = schema.current(fleet.database)
    line = f"the schema is at {after}" + ("" if before == after else f", was at {before or 'nothing'}")
    output.done(line, {"before": before, "after": after}, as_json)


def _when_there(fleet: Fleet, wait_s: float) -> str | None:
    """The revision of the database, once it answers. Raises CommandFailed that names it after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return schema.current(fleet.database)
        except DatabaseDown as error:
            if time.monotonic() >= deadline:
                raise unreachable(fleet.database, error) from None
        time.sleep(_PAUSE_S)
