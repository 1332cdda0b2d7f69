"""`ppm kiosk doctor`."""

import click

from ppm import doctor as checks
from ppm import kiosk_doctor
from ppm.commands import output
from ppm.commands.doctor import report
from ppm.setting_values import Settings


@click.command()
@click.pass_context
@output.json_option
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What is wrong with this poste, and its remedy: broker and TLS, agent, files, clock, account, X, units, updates.

    Exits with 1 if something failed. It changes nothing, and does not disturb the agent.
    """
    report(ctx, checks.examine(Settings.load(), kiosk_doctor.CHECKS), as_json)
