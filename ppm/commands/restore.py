"""`ppm restore`."""

from pathlib import Path

import click

from fleet.jobs import restore as restoring
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
    log in again.
    """
    settings = Settings.load()
    if not yes:
        click.confirm("All that the database holds now is lost. Go on?", abort=True)
    with opened(check=False) as fleet:
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
    when = instants.local(done.taken_at, settings[table.ZONE])
    line = f"restored to {when}: {done.paused} sessions paused, {done.cancelled} codes cancelled"
    output.done(line, {"taken_at": done.taken_at, "paused": done.paused, "cancelled": done.cancelled,
                       "other_secrets": done.other_secrets}, as_json)  # fmt: skip
