"""A window on a real X server, with a hand or a whole agent behind it."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from kiosk_agent.agent import Agent
from kiosk_agent.clock import BootClock
from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper
from kiosk_agent.local.programs import Launch
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.settings import Settings
from kiosk_agent.ui.face import View
from ppm.parts.broker import PrivateBroker
from protocol import topics
from protocol.messages import Config
from tests.kiosk_agent.test_terminal_face import Hands
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.gallery import FREE, LENT
from tests.support.waiting import eventually
from tests.support.x import Display

M = TypeVar("M")
Sight = Callable[[], bool | Awaitable[bool]]
TITLE = "Poste Public Manager"
LONG_S = 30
"""A busy machine may take its time; a window that never comes is what fails."""
PLACES = [(x, y) for x in (5, 683, 1360) for y in (5, 384, 762)]


@dataclass
class Poste:
    """A window on the screen, and a hand in the place of its agent."""

    display: Display
    door: Door
    keeper: Keeper
    hands: Hands

    @property
    def pid(self) -> int | None:
        return self.door.window.peer.pid if self.door.window else None

    async def locked(self) -> None:
        """Return when the lock covers the whole screen."""
        await eventually(self.covers, LONG_S, "the lock covers the screen")

    def covers(self) -> bool:
        mine = self.display.windows(TITLE)
        return bool(mine) and {self.display.above(*place) for place in PLACES} == {mine[-1]}

    async def takes_codes(self, code: str = "K7MQ2R") -> None:
        """Return when a code that fingers type arrives."""
        before = len(self.hands.asked)

        async def typed() -> bool:
            self.display.press("Escape")
            self.display.type(code.lower())
            self.display.press("Return")
            await asyncio.sleep(0.1)
            return len(self.hands.asked) > before

        await eventually(cast("Sight", typed), LONG_S, "a code arrives")
        assert set(self.hands.asked[before:]) == {code}

    async def menu(self) -> None:
        """The pill is pressed; return when its menu has the keyboard."""
        pill = await eventually(lambda: self.display.windows("ppm-pill"), LONG_S, "the pill")
        self.display.do("mousemove", "--window", pill[0], "20", "15", "click", "1")
        opened = await eventually(lambda: self.display.windows("ppm-menu"), LONG_S, "the menu")
        await eventually(
            lambda: self.display.do("getwindowfocus") == opened[0], LONG_S, "it has the keyboard"
        )

    async def door_heard(self) -> None:
        """Return when all that was pressed before has been dealt with: a later ping is answered."""
        window = self.door.window
        assert window is not None
        since = window.heard_at
        await eventually(lambda: window.heard_at > since + 0.5, LONG_S)

    async def lend(self, view: View | None = None) -> None:
        now = BootClock().now()
        lent = view or replace(LENT, deadline=now + 2_520_000, end=now + 2_580_000)
        self.door.changed(lent)
        await eventually(lambda: not self.display.windows(TITLE), LONG_S, "the lock goes")


def play(display: Display, folder: Path, body: Callable[[Poste], Awaitable[None]]) -> None:
    async def scene() -> None:
        hands, path = Hands(), folder / "window.sock"
        door = Door(os.getuid())
        door.visitor = hands
        launch = Launch(
            [sys.executable, "-m", "kiosk_agent.ui.qt", str(path)], display.environment, log=folder / "log"
        )
        keeper = Keeper(
            door, launch, folder / "pid", lost=lambda: None, back=lambda: None, failed=lambda _: None
        )
        async with door.open(path):
            door.changed(FREE)
            running = asyncio.create_task(keeper.run())
            poste = Poste(display, door, keeper, hands)
            try:
                await eventually(lambda: poste.pid, LONG_S, "a window")
                await poste.locked()
                await body(poste)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    asyncio.run(scene())


# ---------------------------------------------------------------- with a whole agent behind it


class Stopwatch(DryPlatform):
    """A machine that notes when it was locked and unlocked, by the monotonic clock."""

    def __init__(self) -> None:
        super().__init__(clean_s=0.2)
        self.locked_at: list[float] = []
        self.unlocked_at: list[float] = []

    def lock(self) -> None:
        self.locked_at.append(time.monotonic())

    def unlock(self, session: str) -> None:
        super().unlock(session)
        self.unlocked_at.append(time.monotonic())


@dataclass
class Visit(Poste):
    """The window of a real agent, which a controller of a few lines drives over a real broker."""

    agent: Agent
    machine: Stopwatch
    controller: TinyController

    async def comes_in(self, code: str = "ABC234") -> None:
        """A visitor types a code, and the lock goes."""

        async def typed() -> bool:
            self.display.press("Escape")
            self.display.type(code)
            self.display.press("Return")
            await asyncio.sleep(0.3)
            return bool(self.machine.unlocked_at)

        await eventually(cast("Sight", typed), LONG_S, "the code opens it")
        await eventually(lambda: not self.display.windows(TITLE), LONG_S, "the lock goes")

    def told(self, kind: type[M]) -> list[M]:
        """What the poste said to its controller, of one kind."""
        return self.controller.of(self.agent.settings.poste, kind)


def visit(
    display: Display, settings: Settings, broker: PrivateBroker, body: Callable[[Visit], Awaitable[None]],
    config: Config | None = None,
) -> None:  # fmt: skip
    """Play this before the window of a whole agent."""

    async def scene() -> None:
        machine = Stopwatch()
        door = Door(os.getuid(), machine.touched)
        agent = Agent(settings, machine, face=door)
        door.visitor = agent
        path = settings.folder / "window.sock"
        settings.folder.mkdir(parents=True)
        launch = Launch(
            [sys.executable, "-m", "kiosk_agent.ui.qt", str(path)], display.environment,
            log=settings.folder / "log",
        )  # fmt: skip
        keeper = Keeper(
            door, launch, settings.folder / "pid",
            lost=agent.window_lost, back=agent.window_back, failed=agent.window_failed,
        )  # fmt: skip
        async with TinyController(broker, settings.site) as controller, door.open(path):
            await controller.appear("run-1")
            if config is not None:
                await controller.say(settings.poste, topics.CONFIG, config)
            running = asyncio.create_task(agent.run())
            await agent.begun.wait()
            keeping = asyncio.create_task(keeper.run())
            made = Visit(display, door, keeper, Hands(), agent, machine, controller)
            try:
                await made.locked()
                await body(made)
            finally:
                agent.stop()
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
                await running

    asyncio.run(scene())
