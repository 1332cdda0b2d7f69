"""A poste on Windows put together: the service with its agent, its pipe and its window."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from logging.handlers import NTEventLogHandler
from pathlib import Path, PureWindowsPath

from kiosk_agent.agent import Agent
from kiosk_agent.local import by_hand, technician
from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper, last_window
from kiosk_agent.local.pipes import Pipes
from kiosk_agent.local.programs import Launch
from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import assigned, seats, service
from kiosk_agent.platform.windows import window as windows_window
from kiosk_agent.platform.windows.calls import Windows
from kiosk_agent.platform.windows.install import Installation, Poste
from kiosk_agent.platform.windows.machine import TickClock, WindowsPlatform
from kiosk_agent.platform.windows.places import Places
from kiosk_agent.platform.windows.real import Win32
from kiosk_agent.platform.windows.real.pipes import ADMINISTRATORS, AT_THE_MACHINE, PUBLIC, NamedPipes, name
from kiosk_agent.platform.windows.window import SeatedPrograms
from kiosk_agent.settings import Settings as PosteSettings
from kiosk_agent.updating.renewal import Renewal
from ppm import logs, renewals
from ppm import settings as table
from ppm.commands.kiosk import poste_settings
from ppm.compose import end
from ppm.setting_values import Settings

log = logging.getLogger(__name__)
_PID_FILE = "window.pid"
HOLD_S = 2.0
"""How often it is seen to that nothing new of the visitor's moves on a locked machine."""


@dataclass(frozen=True)
class Around:
    """What a poste has beside its window's pipe: where a technician reaches it, how it gets other versions, and what
    the site lets visitors start. `pipes` and `hatch` None: those of this machine."""

    pipes: Pipes | None = None
    hatch: Pipes | None = None
    places: Places | None = None
    renewal: Renewal | None = None
    assigned: Path | None = None
    logo: Path | None = None


def main() -> None:
    """Be the service until Windows stops it."""
    settings = Settings.load()
    folder = settings.get(table.STATE_DIR) or Places.here().program_data / "Poste Public Manager"
    poste = poste_settings(settings, settings[table.POSTE], folder)
    poste.folder.mkdir(parents=True, exist_ok=True)
    around = Around(
        renewal=renewals.of(settings), assigned=settings.get(table.ASSIGNED_ACCESS_FILE),
        logo=settings.get(table.LOGO_FILE),
    )  # fmt: skip
    with logs.in_file(poste.folder / "kiosk.log", settings[table.LOG_LEVEL]):
        logging.getLogger().addHandler(_event_log())
        service.serve(lambda stop: lend(poste, Win32(), stop, around))


async def lend(poste: PosteSettings, windows: Windows, stop: asyncio.Event, around: Around) -> None:
    """Be the poste until stopped, or until another version is to be, then leave cleanly, locked.

    Raises what one of its parts raised.
    """
    door = Door(PUBLIC)
    # A window that outlived its agent is known before the machine is locked: it must not stand still with the rest.
    door.pid = last_window(poste.folder / _PID_FILE, SeatedPrograms(windows))
    machine = WindowsPlatform(windows, around.places, window=lambda: door.pid)
    door.touched = machine.touched
    agent = Agent(poste, machine, TickClock(windows), face=door, renewal=around.renewal)
    door.visitor = agent
    pipe = name(poste.poste)
    works = (
        asyncio.create_task(agent.run(), name="agent"),
        asyncio.create_task(_keep(agent, door, machine, windows, around, pipe), name="window"),
        asyncio.create_task(
            technician.keep(agent, poste.folder, around.hatch or _hatch(pipe)), name="technician"
        ),
        asyncio.create_task(_hold(machine), name="hold"),
        asyncio.create_task(_assign(agent, windows, around.assigned), name="assigned access"),
    )
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*works, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    agent.stop()
    await works[0]
    await end(works[1:])


async def _hold(machine: WindowsPlatform) -> None:
    """For ever. What fails is told once, until it works again."""
    failing = False
    while True:
        await asyncio.sleep(HOLD_S)
        try:
            machine.hold()
            failing = False
        except PlatformError as error:
            if not failing:
                log.warning("not_held", extra={"error": str(error)})
            failing = True


async def _assign(agent: Agent, windows: Windows, file: Path | None) -> None:
    """Once, then nothing more. A machine that lets visitors start more than the site wants is told of, and lent."""
    await agent.begun.wait()
    try:
        if await asyncio.to_thread(assigned.hold_to, windows, file, windows_window.interpreter()):
            log.info("access_assigned", extra={"file": str(file)})
    except PlatformError as error:
        log.error("access_not_assigned", extra={"error": str(error)})
        agent.trouble("assigned_access", str(error))
    await asyncio.Event().wait()


def _hatch(pipe: str) -> Pipes:
    """For whoever is at the machine, its administrators from afar too: who they are decides."""
    return NamedPipes(str(by_hand.beside(PureWindowsPath(pipe))), (AT_THE_MACHINE, ADMINISTRATORS))


async def _keep(
    agent: Agent, door: Door, machine: WindowsPlatform, windows: Windows, around: Around, pipe: str
) -> None:
    """A window before the visitor, whose end with a session that is wiped is no failure."""
    poste = agent.settings
    sids = tuple(windows.sid(account) for account in seats.PUBLIC)
    logo = ("--logo", str(around.logo)) if around.logo else ()

    def failed(how: str) -> None:
        if not machine.is_cleaning:
            agent.window_failed(how)

    await agent.begun.wait()
    launch = Launch(
        windows_window.command(pipe, "--language", poste.language, *logo), windows_window.environment()
    )
    async with door.open(around.pipes or NamedPipes(pipe, sids)):
        await Keeper(
            door, launch, poste.folder / _PID_FILE, lost=agent.window_lost, back=agent.window_back,
            failed=failed, programs=SeatedPrograms(windows, failed),
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
