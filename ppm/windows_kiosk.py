"""A poste on Windows put together: the service with its agent, its pipe and its window."""

import asyncio
import logging
from collections.abc import Mapping
from logging.handlers import NTEventLogHandler
from pathlib import Path, PureWindowsPath

from kiosk_agent.agent import Agent
from kiosk_agent.local import by_hand, technician
from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper
from kiosk_agent.local.pipes import Pipes
from kiosk_agent.local.programs import Launch
from kiosk_agent.platform.windows import seats, service
from kiosk_agent.platform.windows import window as windows_window
from kiosk_agent.platform.windows.calls import Windows
from kiosk_agent.platform.windows.install import Installation, Poste
from kiosk_agent.platform.windows.machine import TickClock, WindowsPlatform
from kiosk_agent.platform.windows.places import Places
from kiosk_agent.platform.windows.real import Win32
from kiosk_agent.platform.windows.real.pipes import ADMINISTRATORS, AT_THE_MACHINE, PUBLIC, NamedPipes, name
from kiosk_agent.settings import Settings as PosteSettings
from kiosk_agent.updating.renewal import Renewal
from ppm import logs, renewals
from ppm import settings as table
from ppm.commands.kiosk import poste_settings
from ppm.compose import end
from ppm.setting_values import Settings


def main() -> None:
    """Be the service until Windows stops it."""
    settings = Settings.load()
    folder = settings.get(table.STATE_DIR) or Places.here().program_data / "Poste Public Manager"
    poste = poste_settings(settings, settings[table.POSTE], folder)
    poste.folder.mkdir(parents=True, exist_ok=True)
    with logs.in_file(poste.folder / "kiosk.log", settings[table.LOG_LEVEL]):
        logging.getLogger().addHandler(_event_log())
        renewal = renewals.of(settings)
        service.serve(lambda stop: lend(poste, Win32(), stop, renewal=renewal))


async def lend(
    poste: PosteSettings, windows: Windows, stop: asyncio.Event, pipes: Pipes | None = None,
    hatch: Pipes | None = None, places: Places | None = None, renewal: Renewal | None = None,
) -> None:  # fmt: skip
    """Be the poste until stopped, or until another version is to be, then leave cleanly, locked.

    Raises what one of its parts raised.
    """
    door = Door(PUBLIC)
    machine = WindowsPlatform(windows, places, window=lambda: door.pid)
    door.touched = machine.touched
    agent = Agent(poste, machine, TickClock(windows), face=door, renewal=renewal)
    door.visitor = agent
    pipe = name(poste.poste)
    sids = tuple(windows.sid(account) for account in seats.PUBLIC)
    works = (
        asyncio.create_task(agent.run(), name="agent"),
        asyncio.create_task(
            _keep(agent, door, machine, windows, pipes or NamedPipes(pipe, sids), poste, pipe), name="window"
        ),
        asyncio.create_task(technician.keep(agent, poste.folder, hatch or _hatch(pipe)), name="technician"),
    )
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*works, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    agent.stop()
    await works[0]
    await end(works[1:])


def _hatch(pipe: str) -> Pipes:
    """For whoever is at the machine, its administrators from afar too: who they are decides."""
    return NamedPipes(str(by_hand.beside(PureWindowsPath(pipe))), (AT_THE_MACHINE, ADMINISTRATORS))


async def _keep(
    agent: Agent, door: Door, machine: WindowsPlatform, windows: Windows, pipes: Pipes, poste: PosteSettings,
    pipe: str,
) -> None:  # fmt: skip
    """A window before the visitor, whose end with a session that is wiped is no failure."""

    def failed(how: str) -> None:
        if not machine.is_cleaning:
            agent.window_failed(how)

    await agent.begun.wait()
    launch = Launch(windows_window.command(pipe, "--language", poste.language), windows_window.environment())
    async with door.open(pipes):
        await Keeper(
            door, launch, poste.folder / "window.pid", lost=agent.window_lost, back=agent.window_back,
            failed=failed, programs=windows_window.SeatedPrograms(windows, failed),
        ).run()  # fmt: skip


def installation(slot: Path, lines: Mapping[str, str], *, dry: bool) -> Installation:
    """What `ppm kiosk install` does here: these lines go into the settings of a poste that has none yet."""
    return Installation(Win32(), Poste(slot, settings=lines), dry=dry)


def _event_log() -> logging.Handler:
    """What somebody who looks after many machines looks for there: warnings and worse, a line each."""
    handler = NTEventLogHandler(service.TITLE)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logs.TextFormatter())
    return handler
