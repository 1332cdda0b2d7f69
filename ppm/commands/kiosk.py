"""`ppm kiosk`. Needs the kiosk extra and nothing of the server."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click

from kiosk_agent.agent import Agent
from kiosk_agent.local import technician
from kiosk_agent.local.door import Door
from kiosk_agent.platform.base import Platform, PlatformError
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.settings import Settings as PosteSettings
from kiosk_agent.ui import terminal
from kiosk_agent.ui.terminal import LineFace, ScreenFace
from kiosk_agent.updating.renewal import Renewal
from kiosk_agent.words import Language
from ppm import addresses, logs, renewals, systemd, window
from ppm import settings as table
from ppm.commands import kiosk_doctor, kiosk_enrol, kiosk_technician
from ppm.commands.kiosk_install import install, uninstall
from ppm.compose import end, stopping
from ppm.homes import state_home
from ppm.setting import SettingError
from ppm.setting_values import Settings
from ppm.window import WindowPlan


@dataclass(frozen=True)
class Around:
    """What a poste has beside its face: where a technician reaches it, and how it gets other versions."""

    hatch: Path
    renewal: Renewal | None


@click.group(invoke_without_command=True)
@click.option("--window", "in_window", is_flag=True, help="A window over the whole screen (extra kiosk-ui).")
@click.option(
    "--logo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A picture for the window, in place of PPM_LOGO_FILE's.",
)  # fmt: skip
@click.option("--plain", is_flag=True, help="Lines in place of a screen; so too when this is no terminal.")
@click.pass_context
def kiosk(context: click.Context, plain: bool, in_window: bool, logo: Path | None) -> None:
    """Be a poste, with a face in this terminal or in a window.

    Nothing of this machine is locked or wiped, unless it is in a window, as root, and PPM_VISITOR_USER is given.
    PPM_SITE and PPM_POSTE say which, PPM_BROKER_URL and PPM_BROKER_PASSWORD how to reach the broker. On a
    screen, events are written to kiosk.log in the poste's folder, as JSON.
    """
    if context.invoked_subcommand is not None:
        return
    settings = Settings.load()
    around = Around(kiosk_technician.socket_of(settings), renewals.of(settings))
    folder = settings.get(table.STATE_DIR) or state_home()
    poste = poste_settings(settings, settings[table.POSTE], folder)
    screen = not plain and sys.stdin.isatty() and sys.stdout.isatty()
    poste.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    level = settings[table.LOG_LEVEL]
    if in_window:
        made = _window_plan(settings, poste, logo)
        machine, door = _machine(settings, made.account.uid)
        logs.set_up(settings[table.LOG_FORMAT], level)
        asyncio.run(_in_window(poste, around, made, machine, door))
    elif screen:
        with logs.in_file(poste.folder / "kiosk.log", level):
            asyncio.run(_on_screen(poste, around))
    else:
        logs.set_up(settings[table.LOG_FORMAT], level)
        asyncio.run(_in_lines(poste, around))


for _one in (
    kiosk_doctor.doctor, kiosk_technician.unlock, kiosk_technician.lock, kiosk_technician.secret,
    kiosk_enrol.enrol, kiosk_enrol.renew, kiosk_enrol.announce,
):  # fmt: skip
    kiosk.add_command(_one)


def poste_settings(settings: Settings, poste: str, folder: Path) -> PosteSettings:
    """How this poste is set up. Raises SettingError."""
    return PosteSettings(
        settings[table.SITE],
        poste,
        addresses.for_poste(settings, poste),
        folder / poste,
        settings[table.MQTT_ROOT],
        cast("Language", settings[table.LANGUAGE]),
    )


async def _on_screen(poste: PosteSettings, around: Around) -> None:
    face = ScreenFace(poste.poste, poste.language)
    machine = DryPlatform()
    agent = Agent(poste, machine, face=face, renewal=around.renewal)
    face.visitor = agent
    with face.shown(), stopping() as stop, terminal.keys(_touching(machine, face.typed)):
        drawing = asyncio.create_task(terminal.keep_drawing(face))
        try:
            await _run(agent, stop, around.hatch)
        finally:
            drawing.cancel()


async def _in_lines(poste: PosteSettings, around: Around) -> None:
    face = LineFace(lambda line: print(line, flush=True))
    machine = DryPlatform()
    agent = Agent(poste, machine, face=face, renewal=around.renewal)
    face.visitor = agent
    with stopping() as stop, terminal.lines(_touching(machine, face.typed), lambda: None):
        await _run(agent, stop, around.hatch)


def _window_plan(settings: Settings, poste: PosteSettings, logo: Path | None) -> WindowPlan:
    if not window.is_installed():
        raise ModuleNotFoundError(name="PySide6")
    return window.plan(settings, poste.folder, poste.language, logo)


def _machine(settings: Settings, window_uid: int) -> tuple[Platform, Door]:
    """The machine itself where visitors have an account, else one that is only tried; and a door for its window.

    Raises SettingError.
    """
    visitor = settings.get(table.VISITOR_USER)
    if visitor is None:
        dry = DryPlatform()
        return dry, Door(window_uid, dry.touched)
    if sys.platform != "linux":
        raise SettingError(table.VISITOR_USER.name, "is for machines with Linux")
    from kiosk_agent.platform.linux import machine

    door = Door(window_uid)
    try:
        return machine.of_this(visitor, door.excuse), door
    except PlatformError as error:
        raise SettingError(table.VISITOR_USER.name, str(error)) from None


async def _in_window(
    poste: PosteSettings, around: Around, made: WindowPlan, machine: Platform, door: Door
) -> None:
    agent = Agent(poste, machine, face=door, renewal=around.renewal)
    door.visitor = agent
    with stopping() as stop:
        await _run(agent, stop, around.hatch, asyncio.create_task(window.keep(agent, door, made)))


def _touching(machine: DryPlatform, typed: Callable[[str], None]) -> Callable[[str], None]:
    """What is typed is also a sign that somebody is there."""

    def taken(text: str) -> None:
        machine.touched()
        typed(text)

    return taken


async def _run(agent: Agent, stop: asyncio.Event, hatch: Path, *works: asyncio.Task[None]) -> None:
    """Be the poste until stopped, then leave cleanly. Raises what one of the works beside it raised."""
    running = asyncio.create_task(agent.run())
    beside = [*works, asyncio.create_task(technician.keep(agent, agent.settings.folder, hatch))]
    waiting = asyncio.create_task(stop.wait())
    telling = asyncio.create_task(systemd.told(agent.begun))
    await asyncio.wait([running, waiting, *beside], return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    agent.stop()
    waiting.cancel()
    await running
    await end(beside)


kiosk.add_command(install)
kiosk.add_command(uninstall)
