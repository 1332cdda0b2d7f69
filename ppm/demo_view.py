"""What a running demo shows: a calm table on a terminal, a line per change elsewhere."""

import asyncio
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_views
from fleet.usecases.poste_views import PosteFilter, PosteView
from kiosk_agent.words import clock_face
from ppm import settings as table
from ppm.commands.opening import zones
from ppm.demo import Running, Seat, subscribe_line
from ppm.demo_folder import INNER
from ppm.demo_room import SITE
from ppm.instants import Zones, time_of_day
from ppm.words import count, heading, say

_EVERY_S = 1.0
_MARKS = {
    "disponible": ("✓", "#14b8a6"),
    "occupe": ("●", "#60a5fa"),
    "suspendue": ("‖", "#f59e0b"),
    "reserve": ("◆", "#a78bfa"),
    "nettoyage": ("~", "#22d3ee"),
    "maintenance": ("+", "#a8a29e"),
    "hors_ligne": ("×", "#9ca3af"),
}


def greet(console: Console, demo: Running, given_database: bool = False) -> None:
    """Where everything is, each on a line that can be copied whole."""
    lines = [
        (say("page"), f"{demo.api}/"),
        (say("login"), demo.login),
        (say("password"), demo.password),
        ("MQTT", subscribe_line(demo.mqtt)),
        (say("in_words"), watch_line(demo)),
        (say("files"), str(demo.folder)),
        (say("times"), say("of_zone", zone=zones(demo.fleet).sites[SITE])),
    ]
    if demo.seat is not None:
        lines += [
            (say("your_seat"), seat_line(demo, demo.seat)),
            (say("its_code"), f"{demo.seat.code[:3]} {demo.seat.code[3:]}"),
        ]
    if given_database:
        lines.append((say("it_stays"), say("administrateur_stays", login=demo.login)))
    there = count("postes_are_there", len(list(demo.room)))
    console.print(f"Poste Public Manager: {there}. {say('ctrl_c')}\n")
    width = max(len(name) for name, _ in lines) + 2
    for name, value in lines:
        console.print(f"  {name:<{width}}{value}", soft_wrap=True, highlight=False, markup=False)
    console.print()


def watch_line(demo: Running) -> str:
    """The command that says the traffic in words, as it can be typed in another terminal."""
    return f"{table.DATA_DIR.name}={shlex.quote(str(demo.folder))} {_program()} watch"


def seat_line(demo: Running, seat: Seat) -> str:
    """The command that is the free poste, as it can be typed in another terminal."""
    at = seat.broker
    who = ":".join(quote(word, safe="") for word in (at.username, at.password) if word)
    scheme, account = ("mqtts" if at.tls else "mqtt"), (f"{who}@" if who else "")
    values = {
        "PPM_BROKER_URL": f"{scheme}://{account}{at.host}:{at.port}",
        "PPM_MQTT_ROOT": demo.mqtt.root,
        "PPM_SITE": SITE,
        "PPM_POSTE": seat.poste,
        "PPM_STATE_DIR": str(demo.folder / INNER / "seat"),
    }
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    return f"{said} {_program()} kiosk"


def _program() -> str:
    """This very `ppm`, whatever the path of another terminal."""
    script = Path(sys.executable).with_name("ppm")
    python = shlex.quote(sys.executable)
    return shlex.quote(str(script)) if script.exists() else f"{python} -m ppm"


async def show(console: Console, demo: Running) -> None:
    """Show the postes until cancelled."""
    if console.is_terminal:
        await _table(console, demo)
    else:
        await _lines(demo)


async def _table(console: Console, demo: Running) -> None:
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(_drawn(await asyncio.to_thread(_postes, demo)), refresh=True)
            await asyncio.sleep(_EVERY_S)


async def _lines(demo: Running) -> None:
    before: dict[str, str] = {}
    clocks = await asyncio.to_thread(zones, demo.fleet)
    while True:
        for one in await asyncio.to_thread(_postes, demo):
            said = _line(one, clocks)
            if before.get(one.slug, said) != said:
                print(f"{time_of_day(datetime.now(UTC), clocks.of(one))} {one.slug} {said}", flush=True)
            before[one.slug] = said
        await asyncio.sleep(_EVERY_S)


def _postes(demo: Running) -> Sequence[PosteView]:
    return poste_views.search(demo.fleet, SYSTEM, PosteFilter(), Page(LARGEST, sort="slug")).resultats


def _state(one: PosteView) -> tuple[str, str, str]:
    key = "suspendue" if one.session_statut == "suspendue" else one.statut
    icon, colour = _MARKS[key]
    return icon, say(key), colour


def _line(one: PosteView, clocks: Zones) -> str:
    until = f" {say('until', at=time_of_day(one.fin_prevue, clocks.of(one)))}" if one.fin_prevue else ""
    return f"{_state(one)[1]}{until}"


def _drawn(postes: Sequence[PosteView]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(heading("poste"))
    table.add_column(heading("statut"), min_width=14)
    table.add_column(heading("left"), justify="right", min_width=7)
    for one in postes:
        icon, word, colour = _state(one)
        table.add_row(one.slug, Text(f"{icon} {word}", colour), _left(one))
    return table


def _left(one: PosteView) -> Text:
    if one.fin_prevue is None:
        return Text("")
    left_ms = round((one.fin_prevue - datetime.now(UTC)).total_seconds() * 1000)
    if left_ms <= 0:
        return Text(say("to_save"), "#fb923c")
    return Text(clock_face(left_ms), "#fb923c" if left_ms < 60_000 else "")
