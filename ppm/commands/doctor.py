"""`ppm doctor`."""

from collections.abc import Iterable

import click

from ppm import doctor as checks
from ppm.commands import output
from ppm.doctor import Finding
from ppm.setting_values import Settings

_MARKS = {"ok": "✓", "failed": "✗", "absent": "-"}


@click.command()
@click.pass_context
@output.json_option
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What is wrong here, and its remedy: settings, versions, database, schema, clock, broker, port, folders.

    Exits with 1 if something failed.
    """
    report(ctx, checks.examine(Settings.load()), as_json)


def report(ctx: click.Context, found: Iterable[Finding], as_json: bool) -> None:
    """Print what was found, and exit with 1 if something failed."""
    findings = []
    for one in found:
        findings.append(one)
        if not as_json:
            click.echo(f"{_MARKS[one.state]} {one.check}: {one.found}")
            if one.state == "failed":
                click.echo(f"    remedy: {one.remedy}")
    failed = sum(one.state == "failed" for one in findings)
    if as_json:
        output.as_json({"ok": not failed, "findings": findings})
    else:
        click.echo(f"{failed} to mend" if failed else "all is well")
    ctx.exit(1 if failed else 0)
