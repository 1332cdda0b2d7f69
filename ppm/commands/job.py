"""`ppm job`."""

import os
import socket
from collections.abc import Mapping
from typing import Any

import click
from msgspec import Struct

from fleet.domain import reasons
from fleet.domain.actor import SYSTEM
from fleet.jobs import ledger, running
from fleet.jobs.table import JOBS, SWEEP, SWEEP_MINUTES
from fleet.usecases import jobs
from fleet.usecases.jobs import RunView
from ppm import compose, words
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.commands.opening import opened
from ppm.instants import Zones
from ppm.setting_values import Settings

_COLUMNS = {"id": "job", "often": "when", "last": "last run", "ok": "ok", "outcome": "outcome", "due": "next"}


@click.group()
def job() -> None:
    """What is done by the clock. A controller does it; here it is seen, and done by hand."""


class _Line(Struct, frozen=True):
    id: str
    often: str
    last: object
    ok: bool | None
    outcome: str | None
    due: object


@job.command("list")
@output.json_option
def listed(as_json: bool) -> None:
    """Every job: its last run, how it went, and when it is due next."""
    zone = Settings.load()[table.ZONE]
    with opened() as fleet:
        found = jobs.every(fleet, SYSTEM, zone).resultats
    if as_json:
        output.as_json(found)
        return
    lines = [
        _Line(one.id, _often(one.id), None, None, None, one.prochaine)
        if (last := one.derniere) is None
        else _Line(one.id, _often(one.id), last.debut, last.reussie, _last(last), one.prochaine)
        for one in found
    ]
    output.rows(lines, _COLUMNS, False, Zones(zone))


@job.command()
@click.argument("name", type=click.Choice(list(JOBS)))
@output.json_option
def run(name: str, as_json: bool) -> None:
    """Run a job now, in this process."""
    loaded = Settings.load()
    settings = compose.job_settings(loaded)
    holder = f"{socket.gethostname()[:40]}-{os.getpid()}"
    with opened(register=compose.register(loaded)) as fleet:
        with fleet.database.transaction() as tx:
            slot = ledger.ask(tx, name, None)
        done = running.run_one(fleet.database, settings, name, slot, holder)
    if done is None:
        raise CommandFailed(
            f"{name} is already running, or a controller has just taken it up: see ppm job list"
        )
    ok, outcome = done
    if not ok:
        raise CommandFailed(f"{name}: {_outcome(outcome)}")
    output.done(f"{name}: {_outcome(outcome)}", outcome, as_json)


def _often(name: str) -> str:
    if name == SWEEP:
        return words.say("every_minutes", minutes=SWEEP_MINUTES)
    schedule = JOBS[name].schedule
    return words.say("monthly" if schedule.monthly else "daily", at=f"{schedule.at:%H:%M}")


def _last(run: RunView) -> str | None:
    return None if run.resultat is None else _outcome(run.resultat)


def _outcome(facts: Mapping[str, Any]) -> str:
    """What a run did, or why it failed."""
    reason = facts.get("motif")
    return reasons.sentence(reason, words.language(), facts["details"]) if reason else words.outcome(facts)
