"""The window on a real X server with a window manager: it takes what is typed, and nothing closes or covers it."""

import asyncio
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from kiosk_agent.clock import BootClock
from kiosk_agent.ui.face import Said
from ppm.parts.broker import PrivateBroker
from tests.kiosk_agent.test_agent_on_a_broker import settings
from tests.kiosk_agent.window.standing import LONG_S, TITLE, Poste, Sight, Visit, play, visit
from tests.support.gallery import FREE, LENT
from tests.support.proxy import Proxy
from tests.support.waiting import eventually
from tests.support.x import Display

ATTACKS = [
    "alt+F4", "ctrl+q", "ctrl+w", "Escape", "alt+Tab", "super+d", "super+e", "alt+space", "ctrl+alt+Delete",
    "ctrl+alt+Right", "alt+Escape", "super+F1", "F11", "alt+F2", "Menu", "Print", "ctrl+Escape", "shift+F10",
]  # fmt: skip


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


def test_a_window_that_was_stopped_for_a_while_is_the_lock_on_time_all_the_same(
    display: Display, broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    """With no network; the machine is locked by the agent, and the screen by the window, within a second."""
    given_s, grace_s = 8.0, 2.0

    async def body(poste: Visit) -> None:
        poste.controller.minutes, poste.controller.grace_ms = given_s / 60, round(grace_s * 1000)
        await poste.comes_in()
        end = poste.machine.unlocked_at[0] + given_s + grace_s
        proxy.cut()
        assert poste.pid is not None
        os.kill(poste.pid, signal.SIGSTOP)
        await asyncio.sleep(0.8)
        os.kill(poste.pid, signal.SIGCONT)
        await asyncio.sleep(max(0, end - 0.5 - time.monotonic()))
        await eventually(lambda: poste.display.windows(TITLE), LONG_S, "the lock is there")
        seen_at = time.monotonic()
        assert -0.2 <= poste.machine.locked_at[-1] - end <= 1
        assert seen_at - end <= 1

    with Proxy(broker.postes_port) as proxy:
        made = settings(broker, site, f"{site}-p1", tmp_path, port=proxy.port)
        visit(display, made, broker, body)


def test_a_visitor_without_a_mouse_opens_the_menu_with_a_key_and_ends_the_session(
    display: Display, tmp_path: Path
) -> None:
    async def body(poste: Poste) -> None:
        poste.display.press("ctrl+alt+t")
        await poste.locked()
        assert not poste.display.windows("ppm-menu"), "there is none over the lock"
        await poste.lend()
        editor = poste.display.client("editor", tmp_path / "notes")
        try:
            poste.display.press("ctrl+alt+t")
            opened = await eventually(lambda: poste.display.windows("ppm-menu"), LONG_S, "the menu")
            await eventually(
                lambda: poste.display.do("getwindowfocus") == opened[0], LONG_S, "with the keyboard"
            )
            poste.display.press("Tab", "space", "shift+Tab", "space")
            await eventually(lambda: poste.hands.asked == ["end"], LONG_S, "the session is ended")
            assert (tmp_path / "notes").read_text() == ""
        finally:
            editor.kill()
            editor.wait()

    play(display, tmp_path, body)
