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

    Exits with 1 if something failed. What could not be looked at is named; for what is not set, a demo that runs
    here is looked at.
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
        output.as_json({"ok": not failed, "not_checked": _absent(findings), "findings": findings})
    else:
        click.echo(_outcome(_absent(findings), failed))
    ctx.exit(1 if failed else 0)


def _absent(findings: list[checks.Finding]) -> list[str]:
    return [one.check for one in findings if one.state == "absent"]


def _outcome(absent: list[str], failed: int) -> str:
    """What was not looked at is no part of "all"."""
    unseen = f"; not checked: {', '.join(absent)}" if absent else ""
    if failed:
        return f"{failed} to mend{unseen}"
    return f"what was checked is well{unseen}" if absent else "all is well"
