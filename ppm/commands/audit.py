"""`ppm audit`."""

from pathlib import Path

import click
import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from fleet.database import audit as trail
from fleet.database.tables import log, site
from fleet.jobs import archive
from ppm import demo_facts, words
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.commands.opening import opened
from ppm.setting_values import Settings


@click.group()
def audit() -> None:
    """The audit trail and its chain."""


@audit.command()
@click.option(
    "--anchor",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `ppm audit anchor --json` printed earlier: the trail must still pass through it.",
)
@click.pass_context
@output.json_option
def verify(ctx: click.Context, kept: Path | None, as_json: bool) -> None:
    """Go through every chain and, with PPM_ARCHIVE_DIR, every archive; name what does not hold, and exit with 1.

    Without PPM_DATABASE_URL, the trail of a demo that runs here is verified.
    """
    settings = _settings()
    archives = settings.get(table.ARCHIVE_DIR)
    with opened(settings=settings) as fleet, fleet.database.read() as tx:
        broken = list(trail.verify(tx.connection))
        if kept is not None:
            broken += trail.denied(tx.connection, _anchors(kept))
        files = [] if archives is None else list(archive.check(archives, tx))
        slugs = {row.id: row.slug for row in tx.execute(select(site.c.id, site.c.slug))}
        total = tx.execute(select(func.count()).select_from(log)).scalar_one()
    found = [
        {"site": slugs.get(one.chain), "chain": one.chain, "numero": one.numero, "what": one.what}
        for one in broken
    ]
    if as_json:
        output.as_json({"rows": total, "broken": found, "archives": files})
    elif not found and not files:
        click.echo(words.count("trail_holds", total))
    for one in () if as_json else found:
        where = one["site"] or ("the deployment" if not one["chain"] else f"site {one['chain']}")
        click.echo(f"broken: {where}, row {one['numero']}: {one['what']}")
    for said in () if as_json else files:
        click.echo(f"broken: {said}")
    ctx.exit(1 if found or files else 0)


@audit.command()
@output.json_option
def anchor(as_json: bool) -> None:
    """Print where each chain is now. Kept elsewhere (--json), it shows later that nothing was rewritten."""
    with opened(settings=_settings()) as fleet, fleet.database.read() as tx:
        at, anchors = tx.now, trail.anchors(tx.connection)
    if as_json:
        output.as_json({"at": at, "anchors": anchors})
    else:
        output.rows(anchors, {"chain": "chain", "numero": "row", "hash": "hash"}, False)


def _settings() -> Settings:
    """Those that were given, else with the database of a demo that runs here, which is said. Raises SettingError."""
    given = Settings.load()
    joined = demo_facts.joined(given, table.DATABASE_URL)
    if joined is not given:
        where = demo_facts.folder(given)
        click.echo(f"{table.DATABASE_URL.name} is not set: this is the demo that runs in {where}", err=True)
    return joined


class _Kept(Struct):
    anchors: list[trail.Anchor]


def _anchors(path: Path) -> list[trail.Anchor]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept).anchors
    except msgspec.DecodeError as error:
        raise CommandFailed(f"{path} is not what `ppm audit anchor --json` prints: {error}") from None
