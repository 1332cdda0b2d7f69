"""`ppm backup`."""

import click

from fleet.jobs import backup as backups
from kiosk_agent.version import software
from ppm import compose
from ppm import settings as table
from ppm.commands import output
from ppm.commands.opening import opened
from ppm.setting_values import Settings, missing


@click.command()
@output.json_option
def backup(as_json: bool) -> None:
    """Write a backup into PPM_BACKUP_DIR, and delete the oldest ones there.

    In it: the whole database with its photos, where the audit chains are, and fingerprints of the secrets. The
    secrets themselves are not: keep them elsewhere.
    """
    where = compose.backups(Settings.load())
    if where is None:
        raise missing(table.BACKUP_DIR)
    with opened() as fleet:
        path = backups.make(fleet.database, where, software())
    gone = backups.rotate(where)
    facts = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "encrypted": where.secret is not None,
        "deleted": gone,
    }
    output.done(f"written: {path}" + (f"; deleted: {', '.join(gone)}" if gone else ""), facts, as_json)
