"""`ppm release`."""

import base64
import os
from pathlib import Path

import click

from fleet.usecases import releases as kept
from ppm import releases
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.setting_values import Settings

_COLUMNS = {"version": "version", "size": "bytes", "sha256": "sha256", "file": "file"}


@click.group()
def release() -> None:
    """Signed versions of the agent, for postes to install."""


@release.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output.json_option
def key(file: Path, as_json: bool) -> None:
    """Make the key that signs releases, in a new FILE closed to others, and print what postes pin.

    Once, at the installation; PPM_RELEASE_KEY_FILE names it. Keep a copy elsewhere: without it every poste has to be
    given another public key by hand.
    """
    private = releases.new_key()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(base64.b64encode(private).decode() + "\n")
    except FileExistsError:
        raise CommandFailed(f"{file} is there already; a key is never overwritten") from None
    public = releases.public_key(private)
    output.done(f"PPM_RELEASE_PUBLIC_KEY={public}", {"file": str(file), "public": public}, as_json)


@release.command()
@click.argument("wheel", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output.json_option
def add(wheel: Path, as_json: bool) -> None:
    """Sign a wheel of this software and put it into PPM_RELEASES_DIR, where postes get it once they are told to.

    The order to a poste names the version and the digest that are printed here.
    """
    settings = Settings.load()
    try:
        made = releases.add(settings[table.RELEASES_DIR], wheel, settings[table.RELEASE_KEY])
    except releases.BadWheel as error:
        raise CommandFailed(str(error)) from None
    output.done(
        f"{made.version}  sha256 {made.sha256}", {"version": made.version, "sha256": made.sha256}, as_json
    )


@release.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """The releases that postes can get."""
    output.rows(kept.all_in(Settings.load()[table.RELEASES_DIR]), _COLUMNS, as_json)
