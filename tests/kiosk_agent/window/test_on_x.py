"""The window on a real X server with a window manager: it takes what is typed, and nothing closes or covers it."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from kiosk_agent.clock import BootClock
from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper
from kiosk_agent.local.programs import Launch
from kiosk_agent.ui.face import Said, View
from tests.kiosk_agent.test_terminal_face import Hands
from tests.support.gallery import FREE, LENT
from tests.support.waiting import eventually
from tests.support.x import Display

Sight = Callable[[], bool | Awaitable[bool]]
TITLE = "Poste Public Manager"
LONG_S = 30
"""A busy machine may take its time; a window that never comes is what fails."""
PLACES = [(x, y) for x in (5, 683, 1360) for y in (5, 384, 762)]
ATTACKS = [
    "alt+F4", "ctrl+q", "ctrl+w", "Escape", "alt+Tab", "super+d", "super+e", "alt+space", "ctrl+alt+Delete",
    "ctrl+alt+Right", "alt+Escape", "super+F1", "F11", "alt+F2", "Menu", "Print", "ctrl+Escape", "shift+F10",
]  # fmt: skip


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    with Display(tmp_path_factory.mktemp("display")) as shown:
        yield shown


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


def test_a_code_that_is_typed_reaches_the_agent_and_nothing_closes_the_lock(
    display: Display, tmp_path: Path
) -> None:
    async def body(poste: Poste) -> None:
        await poste.takes_codes()
        first = poste.pid
        poste.display.press(*ATTACKS)
        poste.display.do("search", "--name", TITLE, "windowquit")
        await poste.locked()
        await poste.takes_codes("ABC234")
        assert poste.pid == first

    play(display, tmp_path, body)


def test_windows_that_want_to_be_above_all_do_not_cover_the_lock(display: Display, tmp_path: Path) -> None:
    async def body(poste: Poste) -> None:
        rival = poste.display.client("rival", tmp_path / "rival")
        try:
            await poste.locked()
            await poste.takes_codes()
        finally:
            rival.kill()
            rival.wait()

    play(display, tmp_path, body)


@pytest.mark.parametrize("how", ["windowunmap", "windowclose", "windowkill", "windowlower", "windowmove"])
def test_a_lock_that_another_program_takes_away_is_there_again(
    display: Display, tmp_path: Path, how: str
) -> None:
    async def body(poste: Poste) -> None:
        more = ("900", "700") if how == "windowmove" else ()
        poste.display.do("search", "--onlyvisible", "--name", TITLE, how, *more)
        await poste.locked()
        await poste.takes_codes()

    play(display, tmp_path, body)


def hammer(poste: Poste, times: int) -> None:
    """Random keys and clicks, the same at each run."""
    rng = random.Random(20261121)
    keys = [
        *ATTACKS,
        *"abcdefghijklmnopqrstuvwxyz0123456789",
        "Tab",
        "shift+Tab",
        "space",
        "BackSpace",
        "Up",
        "Down",
    ]
    done = 0
    while done < times:
        some = [rng.choice(keys) for _ in range(50)]
        poste.display.do("key", "--delay", "0", *some)
        x, y = rng.randrange(poste.display.size[0]), rng.randrange(poste.display.size[1])
        poste.display.do(
            "mousemove", str(x), str(y), "click", "1", "click", "3", "click", "--repeat", "3", "1"
        )
        done += 55


def test_random_keys_and_clicks_never_close_or_cover_the_lock(display: Display, tmp_path: Path) -> None:
    async def body(poste: Poste) -> None:
        first = poste.pid
        await asyncio.to_thread(hammer, poste, 500)
        await poste.locked()
        assert poste.pid == first

    play(display, tmp_path, body)


@pytest.mark.long
def test_ten_thousand_random_keys_and_clicks_never_close_or_cover_the_lock(
    display: Display, tmp_path: Path
) -> None:
    async def body(poste: Poste) -> None:
        first = poste.pid
        await asyncio.to_thread(hammer, poste, 10_000)
        await poste.locked()
        assert poste.pid == first

    play(display, tmp_path, body)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_window_that_dies_or_hangs_in_use_locks_when_it_must(
    display: Display, tmp_path: Path, number: signal.Signals
) -> None:
    async def body(poste: Poste) -> None:
        await poste.lend()
        first = poste.pid
        assert first is not None
        os.kill(first, number)
        poste.door.changed(replace(FREE, phase="cleaning"))
        await poste.locked()
        assert poste.pid != first

    play(display, tmp_path, body)


def test_a_window_whose_agent_dies_in_use_is_a_lock(display: Display, tmp_path: Path) -> None:
    async def body(poste: Poste) -> None:
        await poste.lend()
        path = tmp_path / "window.sock"
        pid = poste.pid
        path.rename(tmp_path / "elsewhere")
        assert poste.door.window is not None
        poste.door.window.close()
        await eventually(poste.covers, LONG_S, "the lock covers the screen")
        assert pid is not None
        os.kill(pid, 0)

    play(display, tmp_path, body)


def test_warnings_and_messages_steal_no_keystroke(display: Display, tmp_path: Path) -> None:
    async def body(poste: Poste) -> None:
        await poste.lend()
        notes = tmp_path / "notes"
        editor = poste.display.client("editor", notes)

        async def typing() -> bool:
            poste.display.type("a")
            await asyncio.sleep(0.1)
            return notes.read_text() != ""

        try:
            await eventually(cast("Sight", typing), LONG_S, "the editor has the keyboard")
            poste.display.press("ctrl+a", "BackSpace")
            await eventually(lambda: notes.read_text() == "", LONG_S)
            poste.door.warned(60, "")
            poste.door.told(Said("Bonjour", "Hello", by_desk=True))
            text = "the quick brown fox jumps over the lazy dog " * 3
            typed = asyncio.create_task(asyncio.to_thread(poste.display.type, text))
            await asyncio.sleep(0.1)
            now = BootClock().now()
            poste.door.warned(30, "")
            poste.door.changed(replace(LENT, phase="grace", deadline=now - 1, end=now + 60_000))
            await typed
            await eventually(lambda: notes.read_text() == text, LONG_S, "all was typed")
            poste.door.changed(FREE)
            await poste.locked()
            await poste.takes_codes()
            assert notes.read_text() == text, "nothing of a code reaches what is under the lock"
        finally:
            editor.kill()
            editor.wait()

    play(display, tmp_path, body)


def test_the_pill_opens_to_asking_for_time_and_to_ending_after_a_question(
    display: Display, tmp_path: Path
) -> None:
    async def body(poste: Poste) -> None:
        await poste.lend()
        await poste.menu()
        poste.display.press("Return")
        await eventually(lambda: poste.hands.asked == ["+900"], LONG_S, "time was asked for")
        await eventually(lambda: not poste.display.windows("ppm-menu"), LONG_S, "the menu closes")
        await poste.menu()
        poste.display.press("Tab", "space", "space")
        await poste.door_heard()
        assert "end" not in poste.hands.asked, "who presses twice by mistake goes on"
        poste.display.press("space", "shift+Tab", "space")
        await eventually(lambda: "end" in poste.hands.asked, LONG_S, "the session is ended")

    play(display, tmp_path, body)
