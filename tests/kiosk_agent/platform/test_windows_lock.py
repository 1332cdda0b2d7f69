"""The lock on Windows, with a fake that keeps count of what stands still."""

from pathlib import Path, PureWindowsPath

import pytest

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import lock, policies, seats
from kiosk_agent.platform.windows.machine import TickClock, WindowsPlatform
from tests.kiosk_agent.platform.fake_windows import SYSTEM, FakeWindows

GAME = r"C:\Users\Public\game.exe"
WINDOW = r"C:\Program Files\Python\python.exe"


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows.lent(tmp_path)


@pytest.fixture
def machine(windows: FakeWindows) -> WindowsPlatform:
    return WindowsPlatform(windows, windows.places)


def test_a_machine_that_starts_has_no_desktop_even_after_a_power_cut_in_mid_session(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    def shells() -> set[str | int]:
        return {one.value for hive in windows.hives.values() for one in hive if one.name == "Shell"}

    assert shells() == {policies.NO_SHELL}
    machine.unlock("s1")
    windows.restart()
    assert windows.of(windows.explorer) == []
    assert shells() == {policies.NO_SHELL}


def test_unlocking_starts_one_desktop_as_the_visitor_that_can_make_no_other_and_end_no_session(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    machine.unlock("s1")
    machine.unlock("s1")
    (desktop,) = windows.of(windows.explorer)
    assert desktop.confined
    assert desktop.process.sid == windows.sid(seats.PUBLIC[0])
    assert desktop.process.session == windows.on[0].session


def test_locking_makes_all_that_the_visitor_runs_stand_still_and_nothing_else(windows: FakeWindows) -> None:
    window = windows.run_as_visitor(WINDOW)
    machine = WindowsPlatform(windows, windows.places, window=lambda: window)
    machine.unlock("s1")
    game = windows.run_as_visitor(GAME)
    windows.run_as_visitor(r"C:\Windows\System32\svchost.exe", SYSTEM)
    machine.lock()
    still = {one.process.path for one in windows.running.values() if one.frozen}
    assert still == {windows.explorer, GAME}
    assert windows.running[game].frozen == 1


def test_what_types_for_the_window_is_spared_but_nothing_that_only_has_its_name(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    system = PureWindowsPath(str(windows.places.windows)) / "System32"
    real = windows.run_as_visitor(str(system / "ctfmon.exe"))
    false = windows.run_as_visitor(r"C:\Users\Public\ctfmon.exe")
    machine.lock()
    assert windows.running[real].frozen == 0
    assert windows.running[false].frozen == 1


def test_what_was_locked_twice_by_two_agents_moves_at_the_first_unlock(windows: FakeWindows) -> None:
    first = WindowsPlatform(windows, windows.places)
    first.unlock("s1")
    game = windows.run_as_visitor(GAME)
    first.lock()
    first.lock()
    second = WindowsPlatform(windows, windows.places)
    second.lock()
    assert windows.running[game].frozen == 1
    second.unlock("s1")
    assert windows.running[game].frozen == 0
    assert len(windows.of(windows.explorer)) == 1


def test_a_program_that_is_started_while_others_are_frozen_is_frozen_too(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    late: list[int] = []

    def spawn() -> None:
        if not late:
            late.append(windows.run_as_visitor(GAME))

    windows.run_as_visitor(GAME)
    windows.spawns_when_frozen = spawn
    machine.lock()
    assert windows.running[late[0]].frozen == 1


def test_programs_that_start_faster_than_they_are_frozen_are_told_to_the_agent(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    def spawn() -> None:
        windows.run_as_visitor(GAME)

    spawn()
    windows.spawns_when_frozen = spawn
    with pytest.raises(PlatformError) as caught:
        machine.lock()
    assert caught.value.reason == "lock"
    assert all(one.frozen for one in list(windows.running.values())[: lock.ROUNDS])


def test_one_process_that_can_not_be_frozen_does_not_save_the_others(
    windows: FakeWindows, machine: WindowsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn, game = windows.run_as_visitor(GAME), windows.run_as_visitor(GAME)
    real = windows.freeze

    def freeze(pid: int) -> None:
        if pid == stubborn:
            raise PlatformError("access is denied", "freeze")
        real(pid)

    monkeypatch.setattr(windows, "freeze", freeze)
    with pytest.raises(PlatformError) as caught:
        machine.lock()
    assert caught.value.reason == "freeze"
    assert windows.running[game].frozen == 1


def test_a_process_of_the_same_number_is_another_one(windows: FakeWindows, machine: WindowsPlatform) -> None:
    game = windows.run_as_visitor(GAME)
    machine.lock()
    old = windows.running.pop(game)
    windows._pid = game - 4
    assert windows.run_as_visitor(GAME) == game
    windows.running[game].process = type(old.process)(
        game, old.process.session, old.process.sid, GAME, old.process.begun + 1
    )
    machine.lock()
    assert windows.running[game].frozen == 1


def test_nobody_is_let_in_while_nobody_is_logged_on(windows: FakeWindows, machine: WindowsPlatform) -> None:
    windows.on.clear()
    machine.lock()
    with pytest.raises(PlatformError) as caught:
        machine.unlock("s1")
    assert caught.value.reason == "no_session"


@pytest.mark.parametrize("call", ["processes", "sid", "recall", "freeze"])
def test_a_lock_that_fails_says_why(windows: FakeWindows, machine: WindowsPlatform, call: str) -> None:
    windows.run_as_visitor(GAME)
    windows.refuses.add(call)
    with pytest.raises(PlatformError) as caught:
        machine.lock()
    assert caught.value.reason == call


@pytest.mark.parametrize("call", ["seats", "processes", "thaw", "start"])
def test_an_unlock_that_fails_says_why(windows: FakeWindows, machine: WindowsPlatform, call: str) -> None:
    windows.run_as_visitor(GAME)
    machine.lock()
    windows.refuses.add(call)
    with pytest.raises(PlatformError) as caught:
        machine.unlock("s1")
    assert caught.value.reason == call


def test_another_start_of_the_machine_has_another_id(windows: FakeWindows, machine: WindowsPlatform) -> None:
    before = machine.boot_id()
    windows.restart()
    assert machine.boot_id() != before


def test_the_clock_is_what_windows_counts(windows: FakeWindows) -> None:
    clock = TickClock(windows)
    before = clock.now()
    windows.ticks += 3_600_000
    assert clock.now() - before == 3_600_000


def test_load_is_the_share_of_the_processors_that_was_busy(
    windows: FakeWindows, machine: WindowsPlatform
) -> None:
    windows.times = (300, 400)
    assert machine.load() == 1.0
    windows.times = (300, 800)
    assert machine.load() == 4.0
    assert machine.load() == 0.0


@pytest.mark.parametrize("op", ["reboot", "shutdown"])
def test_power_does_what_it_is_told_and_nothing_else(
    windows: FakeWindows, machine: WindowsPlatform, op: str
) -> None:
    machine.power(op)
    assert windows.orders == [op]
    with pytest.raises(PlatformError):
        machine.power("format")
    assert windows.orders == [op]
