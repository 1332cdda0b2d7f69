"""`ppm restore`."""

from pathlib import Path
from typing import Any

import click

from fleet.database.register import NAME
from fleet.jobs import restore as restoring
from fleet.jobs.restore import Restored
from ppm import compose, instants
from ppm import settings as table
from ppm.commands import output
from ppm.commands.opening import opened
from ppm.setting_values import Settings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask: what the database holds now is lost.")
@click.option(
    "--keep-codes", is_flag=True, help="Let codes work that nobody had used when the backup was made."
)
@click.option("--force", is_flag=True, help="Even while a controller drives a site of this database.")
@output.json_option
def restore(file: Path, yes: bool, keep_codes: bool, force: bool, as_json: bool) -> None:
    """Put a backup in the place of all that the database holds. Stop the API and all controllers first.

    No poste opens by it: sessions that ran are paused as of the backup, codes that waited are cancelled, operators
    log in again. Who was forgotten since, or took the consent back, is forgotten again: effacements.jsonl beside the
    file and in PPM_BACKUP_DIR says who, and so does the database that is replaced. Accounts, passwords and keys of
    postes are those of the backup: close again what was closed since.
    """
    settings = Settings.load()
    if not yes:
        click.confirm("All that the database holds now is lost. Go on?", abort=True)
    with opened(check=False, register=compose.register(settings)) as fleet:
        done = restoring.restore(
            fleet.database,
            file,
            secret=settings.get(table.BACKUP_SECRET),
            fingerprints=compose.fingerprints(settings),
            keep_codes=keep_codes,
            force=force,
        )
    for name in done.other_secrets:
        click.echo(f"ppm: {name} is not the one that this backup was made beside", err=True)
    if not done.erasures.is_whole:
        click.echo(f"ppm: {_UNKNOWN}", err=True)
    output.done(_said(done, settings[table.ZONE]), _facts(done), as_json)


_UNKNOWN = (
    f"who was forgotten since this backup is not known in full: no {NAME} that begins before it is here, or a line of "
    "it is damaged, and the database that was replaced did not go on from it. Whom it does not name is back: forget "
    "them again"
)


def _said(done: Restored, zone: str) -> str:
    line = (
        f"restored to {instants.local(done.taken_at, zone)}: {done.paused} sessions paused, "
        f"{done.cancelled} codes cancelled, people forgotten again: {done.again.people}, "
        f"consents taken back again: {done.again.consents}"
    )
    until = done.erasures.until
    return line if until is None else f"{line} (known up to {instants.local(until, zone)})"


def _facts(done: Restored) -> dict[str, Any]:
    return {
        "taken_at": done.taken_at,
        "paused": done.paused,
        "cancelled": done.cancelled,
        "other_secrets": done.other_secrets,
        "people_forgotten_again": done.again.people,
        "consents_taken_back_again": done.again.consents,
        "erasures_known": done.erasures.is_whole,
        "erasures_known_until": done.erasures.until,
    }
