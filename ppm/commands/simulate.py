"""`ppm simulate`."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from kiosk_agent.settings import Settings as PosteSettings
from ppm import addresses, compose, logs, words
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands.numbers import FACTOR, PER_MINUTE
from ppm.desk_http import HttpDesk
from ppm.setting_values import Settings
from ppm.simulator.mishaps import Mishaps, Rates
from ppm.simulator.room import Room
from ppm.simulator.visitors import Habits, Visitors

_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@dataclass(frozen=True)
class Life:
    """What happens in the room: visitors a minute, mishaps in times the usual, and the seed of all chance."""

    arrivals: float
    mishaps: float
    seed: int


@click.command()
@click.option("--credentials", type=_file, help="What `ppm poste credential --json` printed; - is the input.")
@click.option(
    "--poste", "slugs", multiple=True, help="A poste by its slug, where the broker asks no password."
)
@click.option("--visitors", is_flag=True, help="With people who get codes from the API at PPM_API_URL.")
@click.option(
    "--mishaps",
    type=FACTOR,
    default=1.0,
    show_default=True,
    help="How often machines fail, in times the usual.",
)
@click.option("--calm", is_flag=True, help="No machine fails: as --mishaps 0.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Another number, other visitors and mishaps."
)
@click.option("--arrivals", type=PER_MINUTE, default=6.0, show_default=True, help="Visitors per minute.")
def simulate(
    credentials: Path | None, slugs: tuple[str, ...], visitors: bool, arrivals: float, mishaps: float,
    calm: bool, seed: int,
) -> None:  # fmt: skip
    """Be many postes at once, until stopped: real agents on pretended machines.

    A machine's agent crashes and freezes once an hour each, its network goes twice an hour, its power every
    other hour, for 2 to 20 seconds; --mishaps multiplies that.
    The postes must exist; PPM_SITE says where, for those named by --poste.
    """
    settings = Settings.load()
    logs.set_up(settings[table.LOG_FORMAT], settings[table.LOG_LEVEL])
    given = settings.get(table.STATE_DIR)
    with TemporaryDirectory(prefix="ppm-simulate-") as temporary:
        folder = given / "simulated" if given else Path(temporary)
        places = _places(settings, credentials, slugs, folder)
        if not places:
            raise click.UsageError("no poste was named: --credentials or --poste")
        life = Life(arrivals if visitors else 0.0, 0.0 if calm else mishaps, seed)
        asyncio.run(compose.until_stopped(_live(settings, places, life)))


def _places(
    settings: Settings, credentials: Path | None, slugs: tuple[str, ...], folder: Path
) -> list[PosteSettings]:
    known = [(one["site"], one["poste"], one["password"]) for one in _read(credentials)]
    known += [(settings[table.SITE], slug, None) for slug in slugs]
    return [
        PosteSettings(
            site, slug, addresses.for_poste(settings, slug, password), folder, settings[table.MQTT_ROOT]
        )
        for site, slug, password in known
    ]


def _read(credentials: Path | None) -> list[dict[str, Any]]:
    if credentials is None:
        return []
    with click.open_file(str(credentials), encoding="utf-8") as file:
        try:
            found = json.load(file)
        except ValueError as error:
            raise CommandFailed(f"{credentials}: not JSON ({error})") from None
    wanted = {"site", "poste", "password"}
    if not isinstance(found, list) or not all(isinstance(one, dict) and wanted <= set(one) for one in found):
        raise CommandFailed(f"{credentials}: not what `ppm poste credential --json` prints")
    return found


async def _live(settings: Settings, places: list[PosteSettings], life: Life) -> None:
    async with Room(places, seed=life.seed) as room, asyncio.TaskGroup() as group:
        if not await room.all_online():
            click.echo("not every poste is connected; going on", err=True)
        click.echo(words.count("postes_simulated", len(places)), err=True)
        mishaps = Mishaps(list(room), Rates().times(life.mishaps), life.seed)
        group.create_task(mishaps.run(), name="mishaps")
        if life.arrivals:
            await _let_in(settings, room, life)
        await asyncio.Event().wait()


async def _let_in(settings: Settings, room: Room, life: Life) -> None:
    login, password = settings[table.OPERATOR_LOGIN], settings[table.OPERATOR_PASSWORD]
    habits = Habits(arrivals_per_minute=life.arrivals)
    async with HttpDesk(settings[table.API_URL], login, password) as desk, asyncio.TaskGroup() as group:
        for site in sorted({poste.settings.site for poste in room}):
            here = [poste for poste in room if poste.settings.site == site]
            visitors = Visitors(site, here, desk, habits, life.seed)
            group.create_task(visitors.run(), name=f"visitors {site}")
