"""`ppm audit`."""

import click
from sqlalchemy import func, select

from fleet.database import audit as trail
from fleet.database.tables import log, site
from ppm.commands import output
from ppm.commands.opening import opened


@click.group()
def audit() -> None:
    """The audit trail and its chain."""


@audit.command()
@click.pass_context
@output.json_option
def verify(ctx: click.Context, as_json: bool) -> None:
    """Go through every chain; name the first row of each that does not hold, and exit with 1."""
    with opened() as fleet, fleet.database.read() as tx:
        broken = list(trail.verify(tx.connection))
        slugs = {row.id: row.slug for row in tx.execute(select(site.c.id, site.c.slug))}
        total = tx.execute(select(func.count()).select_from(log)).scalar_one()
    found = [
        {"site": slugs.get(one.chain), "chain": one.chain, "numero": one.numero, "what": one.what}
        for one in broken
    ]
    if as_json:
        output.as_json({"rows": total, "broken": found})
    elif not found:
        click.echo(f"the audit trail holds: {total} rows")
    for one in () if as_json else found:
        where = one["site"] or ("the deployment" if not one["chain"] else f"site {one['chain']}")
        click.echo(f"broken: {where}, row {one['numero']}: {one['what']}")
    ctx.exit(1 if found else 0)
