"""The service: it stops when told, ends when it hangs, and is put onto a machine and taken off again."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import policies, seats
from kiosk_agent.platform.windows.install import TASK, Installation, Poste
from kiosk_agent.platform.windows.service import (
    AGAIN_AFTER_MS,
    HUNG,
    NAME,
    STILL_LOOKS,
    EndedByItself,
    Heart,
    Host,
)
from kiosk_agent.updating import start
from tests.kiosk_agent.platform.fake_windows import FakeWindows

LOOK_S = 0.05
ON_WINDOWS = """
import asyncio, logging.handlers, multiprocessing, subprocess, sys, tempfile
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
import ppm.windows_kiosk
"""
"""The standard library's own use of those modules is past when they are taken away."""


def test_a_service_runs_until_it_is_told_to_stop() -> None:
    said: list[str] = []

    async def work(stop: asyncio.Event) -> None:
        said.append("begun")
        await stop.wait()
        said.append("left")

    host = Host(work)
    running = threading.Thread(target=host.run)
    running.start()
    while not said:
        time.sleep(0.01)
    host.stop()
    running.join(5)
    assert said == ["begun", "left"]


def test_a_stop_that_comes_before_the_start_counts() -> None:
    async def work(stop: asyncio.Event) -> None:
        await asyncio.wait_for(stop.wait(), 2)

    host = Host(work)
    host.stop()
    host.run()


def test_what_the_work_raises_is_a_failure_of_the_service() -> None:
    async def work(stop: asyncio.Event) -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        Host(work).run()


def test_the_loop_knows_how_to_watch_a_socket_on_every_system() -> None:
    kinds: list[object] = []

    async def work(stop: asyncio.Event) -> None:
        kinds.append(type(asyncio.get_running_loop()))

    with pytest.raises(EndedByItself):
        Host(work).run()
    assert issubclass(kinds[0], asyncio.SelectorEventLoop)  # type: ignore[arg-type]


def test_a_service_that_ends_unasked_fails_so_that_windows_starts_it_again() -> None:
    """As it does for another version of itself."""

    async def work(stop: asyncio.Event) -> None: ...

    with pytest.raises(EndedByItself):
        Host(work).run()
    asked = Host(work)
    asked.stop()
    asked.run()


def test_a_loop_that_stands_still_ends_the_process() -> None:
    ended: list[int] = []

    async def work(stop: asyncio.Event) -> None:
        await asyncio.sleep(2 * LOOK_S * STILL_LOOKS)
        assert ended == [], "it beats"
        time.sleep(3 * LOOK_S * STILL_LOOKS)  # noqa: ASYNC251 - what a hang is

    with pytest.raises(EndedByItself):
        Host(work, Heart(ended.append, LOOK_S)).run()
    assert ended == [HUNG]


def test_the_service_imports_nothing_that_windows_does_not_have() -> None:
    done = subprocess.run([sys.executable, "-c", ON_WINDOWS], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- installing


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows(tmp_path)


def installation(windows: FakeWindows, *, dry: bool = False, slot: str = "a") -> Installation:
    folder = windows.root / "Program Files" / "Poste Public Manager"
    (folder / "a").mkdir(parents=True, exist_ok=True)
    poste = Poste(folder / slot, "C:/Python/python.exe", {"PPM_SITE": "s"})
    return Installation(windows, poste, windows.places, dry=dry)


def test_a_machine_becomes_a_poste_from_its_next_start_on(windows: FakeWindows) -> None:
    made = installation(windows)
    assert {step.state for step in made.put()} == {"done"}
    slots = windows.root / "Program Files" / "Poste Public Manager"
    assert made.settings_file.read_text() == "PPM_SITE=s\n"
    assert set(windows.passwords) == set(seats.PUBLIC)
    assert windows.on == [], "whoever installs it is not thrown out"
    windows.restart()
    assert [one.account for one in windows.on] == [seats.PUBLIC[0]]
    plan = windows.services[NAME]
    assert plan.again_after_ms == AGAIN_AFTER_MS
    assert list(plan.command) == [
        "C:/Python/python.exe", "-I", str(slots / "start.py"), str(slots), str(made.settings_file),
    ]  # fmt: skip
    assert (slots / "start.py").read_text() == Path(start.__file__).read_text()
    assert start.current(slots) == "a"
    for value in policies.machine():
        assert windows.registry[value.key, value.name] == value.value
    programs = [command[0] for command in windows.ran]
    assert programs == ["icacls.exe", "powercfg.exe", "powercfg.exe", "powercfg.exe", "schtasks.exe"]


def test_the_folder_of_the_secrets_is_closed_before_they_are_in_it(windows: FakeWindows) -> None:
    made = installation(windows)
    steps = made.put()
    next(steps)
    assert windows.ran[-1][0] == "icacls.exe"
    assert not made.settings_file.exists()


def test_a_second_installation_keeps_the_settings(windows: FakeWindows) -> None:
    made = installation(windows)
    list(made.put())
    made.settings_file.write_text("PPM_SITE=mine\n")
    slots = windows.root / "Program Files" / "Poste Public Manager"
    start.point(slots, "b", start.WINDOWS)
    states = {step.what: step.state for step in made.put()}
    assert (states["settings"], states["slot"]) == ("kept", "kept")
    assert start.current(slots) == "b", "an update is not taken back"
    assert made.settings_file.read_text() == "PPM_SITE=mine\n"


def test_a_dry_run_does_nothing(windows: FakeWindows) -> None:
    made = installation(windows, dry=True)
    steps = [*made.put(), *made.remove()]
    assert {step.state for step in steps} == {"would"}
    assert not windows.ran
    assert not windows.passwords
    assert not windows.registry
    assert not made.settings_file.exists()


def test_an_environment_that_is_no_slot_is_refused(windows: FakeWindows) -> None:
    with pytest.raises(PlatformError, match="no slot"):
        next(installation(windows, slot="venv").put())
    assert windows.next is None


def test_an_installation_that_fails_leaves_a_machine_that_still_asks_who_it_is(windows: FakeWindows) -> None:
    windows.refuses.add("add_service")
    with pytest.raises(PlatformError):
        list(installation(windows).put())
    assert windows.next is None


def test_what_was_put_is_taken_off_and_the_settings_stay(windows: FakeWindows) -> None:
    made = installation(windows)
    list(made.put())
    assert {step.state for step in made.remove()} == {"removed"}
    assert windows.next is None
    assert not windows.registry
    assert not windows.services
    assert not windows.passwords
    assert not windows.profiles
    assert windows.deleted_tasks == [f"\\{TASK}"]
    assert made.settings_file.exists()
    slots = windows.root / "Program Files" / "Poste Public Manager"
    assert [one.name for one in slots.iterdir()] == ["a"], "what starts the slots is gone, they stay"
