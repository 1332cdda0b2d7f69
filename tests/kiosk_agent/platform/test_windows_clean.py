"""The clean-up on Windows: what is planted is counted and gone, what can't be wiped is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.windows import cleaning, seats
from kiosk_agent.platform.windows.calls import PrintJob
from kiosk_agent.platform.windows.machine import WindowsPlatform
from tests.kiosk_agent.platform.fake_windows import SYSTEM, FakeWindows, task

FIRST, SECOND = seats.PUBLIC


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows.lent(tmp_path)


@pytest.fixture
def visited(windows: FakeWindows) -> WindowsPlatform:
    """A machine that a visitor has used and that is locked."""
    made = WindowsPlatform(windows, windows.places)
    made.unlock("s1")
    made.lock()
    return made


def clean(machine: WindowsPlatform) -> Attestation:
    return asyncio.run(machine.clean())


def counts(told: Attestation) -> dict[str, int]:
    return {what: count for what, count, _ in told.items}


# ---------------------------------------------------------------- what a visitor leaves


def in_profile(windows: FakeWindows) -> Path:
    return windows.own(windows.places.users / FIRST / "Documents" / "letter.txt", FIRST)


def in_public_folder(windows: FakeWindows) -> Path:
    return windows.own(windows.places.users / "Public" / "Documents" / "a" / "letter.txt", FIRST)


def in_windows_temp(windows: FakeWindows) -> Path:
    return windows.own(windows.places.windows / "Temp" / "setup.log", FIRST)


def in_program_data(windows: FakeWindows) -> Path:
    return windows.own(windows.places.program_data / "Game" / "score.dat", FIRST)


def at_the_root(windows: FakeWindows) -> Path:
    return windows.own(windows.root / "mine" / "letter.txt", FIRST)


def in_a_folder_that_was_there(windows: FakeWindows) -> Path:
    (windows.root / "Drivers").mkdir()
    return windows.own(windows.root / "Drivers" / "letter.txt", FIRST)


def in_the_bin(windows: FakeWindows) -> Path:
    return windows.own(windows.root / "$Recycle.Bin" / windows.sid(FIRST) / "$R1.txt", FIRST)


def in_an_older_profile(windows: FakeWindows) -> Path:
    return windows.own(windows.places.users / f"{FIRST}.MACHINE.000" / "letter.txt", FIRST)


def read_only(windows: FakeWindows) -> Path:
    path = windows.own(windows.places.users / "Public" / "kept.txt", FIRST)
    path.chmod(0o444)
    return path


def a_task(windows: FakeWindows) -> Path:
    path = windows.places.tasks / "Updates" / "mine"
    path.parent.mkdir()
    path.write_text(task(windows.sid(FIRST)), encoding="utf-16")
    return path


def a_task_by_name(windows: FakeWindows) -> Path:
    path = windows.places.tasks / "mine"
    path.write_text(task(f"MACHINE\\{FIRST.upper()}"), encoding="utf-16")
    return path


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (in_profile, "profile"),
        (in_an_older_profile, "profile"),
        (in_public_folder, "files"),
        (in_windows_temp, "files"),
        (in_program_data, "files"),
        (at_the_root, "files"),
        (in_a_folder_that_was_there, "files"),
        (read_only, "files"),
        (in_the_bin, "recycle_bin"),
        (a_task, "tasks"),
        (a_task_by_name, "tasks"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_file_that_was_left_is_counted_and_gone(
    windows: FakeWindows, visited: WindowsPlatform, plant: Callable[[FakeWindows], Path], what: str
) -> None:
    path = plant(windows)
    assert path.exists()
    told = clean(visited)
    assert not path.exists()
    assert counts(told)[what] >= 1
    assert sum(size for kind, _, size in told.items if kind == what) > 0
    assert told.leftovers == ()


def test_processes_print_jobs_and_sticks_are_counted_and_gone(
    windows: FakeWindows, visited: WindowsPlatform
) -> None:
    windows.run_as_visitor(r"C:\Users\Public\game.exe")
    windows.jobs = [(FIRST, PrintJob("Canon", 7, 4_000)), ("desk", PrintJob("Canon", 8, 1))]
    windows.sticks = ["E:"]
    told = clean(visited)
    assert counts(told) == {"processes": 2, "sessions": 1, "profile": 1, "print_jobs": 1, "media": 1}
    assert ("print_jobs", 1, 4_000) in told.items
    assert [whose for whose, _ in windows.jobs] == ["desk"]
    assert windows.sticks == []
    assert told.leftovers == ()


def test_the_next_visitor_sits_in_another_account_with_a_new_profile_and_a_password_of_its_own(
    windows: FakeWindows, visited: WindowsPlatform
) -> None:
    passwords = dict(windows.passwords)
    clean(visited)
    assert [one.account for one in windows.on] == [SECOND]
    assert list(windows.profiles) == [windows.sid(SECOND)]
    assert windows.passwords[SECOND] != passwords[SECOND]
    visited.unlock("s2")
    windows.own(windows.places.users / SECOND / "letter.txt", SECOND)
    visited.lock()
    assert clean(visited).leftovers == ()
    assert [one.account for one in windows.on] == [FIRST]
    assert not (windows.places.users / SECOND).exists()


def test_what_belongs_to_others_stays(windows: FakeWindows, visited: WindowsPlatform) -> None:
    theirs = windows.own(windows.places.users / "Public" / "notice.pdf", FIRST)
    windows.owners[theirs] = SYSTEM
    kept = windows.places.tasks / "backup"
    kept.write_text(task(SYSTEM), encoding="utf-16")
    clean(visited)
    assert theirs.exists()
    assert kept.exists()


def test_a_link_goes_and_what_it_points_at_stays(windows: FakeWindows, visited: WindowsPlatform) -> None:
    precious = windows.root / "Windows" / "precious"
    precious.mkdir()
    (precious / "file").write_text("of the system")
    link = windows.places.users / "Public" / "link"
    link.symlink_to(precious)
    windows.owners[link] = windows.sid(FIRST)
    inside = windows.own(windows.places.users / "Public" / "mine" / "a.txt", FIRST).parent
    windows.owners[inside] = windows.sid(FIRST)
    (inside / "link").symlink_to(precious)
    assert clean(visited).leftovers == ()
    assert not link.is_symlink()
    assert (precious / "file").read_text() == "of the system"


@pytest.mark.parametrize(
    ("refused", "left"),
    [
        ("end", {"processes"}),
        ("log_off", {"sessions"}),
        ("delete_profile", {"profile"}),
        ("cancel_print", {"print_jobs"}),
        ("print_jobs", {"print_jobs"}),
        ("delete_task", {"tasks"}),
        ("eject", {"media"}),
    ],
)
def test_what_windows_will_not_wipe_is_told_as_left(
    windows: FakeWindows,
    visited: WindowsPlatform,
    refused: str,
    left: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cleaning, "SEATED_S", 0.1)
    windows.run_as_visitor(r"C:\Users\Public\game.exe", session=0)
    windows.jobs = [(FIRST, PrintJob("Canon", 7))]
    windows.sticks = ["E:"]
    a_task(windows)
    windows.refuses.add(refused)
    told = clean(visited)
    assert left <= set(told.leftovers) <= left | {"no_session", "profile"}


def test_a_stick_that_stays_is_told(windows: FakeWindows, visited: WindowsPlatform) -> None:
    windows.sticks, windows.stuck_sticks = ["E:"], {"E:"}
    assert clean(visited).leftovers == ("media",)


def test_a_file_that_does_not_say_whose_it_is_is_left_alone_and_told(
    windows: FakeWindows, visited: WindowsPlatform
) -> None:
    path = windows.own(windows.places.program_data / "odd", FIRST)
    windows.owners[path] = None
    assert clean(visited).leftovers == ("files",)
    assert path.exists()


def test_a_log_on_that_does_not_come_is_told(
    windows: FakeWindows, visited: WindowsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "SEATED_S", 0.1)
    windows.logs_on = False
    assert clean(visited).leftovers == ("no_session",)


@pytest.mark.parametrize("call", ["sid", "set_password", "make_profile", "log_on_next"])
def test_nothing_is_ended_before_the_next_account_can_come(
    windows: FakeWindows, visited: WindowsPlatform, call: str
) -> None:
    windows.refuses.add(call)
    with pytest.raises(PlatformError) as caught:
        clean(visited)
    assert caught.value.reason == call
    assert [one.account for one in windows.on] == [FIRST]


def test_a_profile_that_a_failed_clean_up_left_is_wiped_before_anybody_gets_it(
    windows: FakeWindows, visited: WindowsPlatform
) -> None:
    windows.refuses.add("delete_profile")
    clean(visited)
    windows.refuses.clear()
    letter = windows.own(windows.places.users / FIRST / "letter.txt", FIRST)
    visited.unlock("s2")
    visited.lock()
    assert clean(visited).leftovers == ()
    assert [one.account for one in windows.on] == [FIRST]
    assert not letter.exists()


def test_names_of_files_are_not_told(
    windows: FakeWindows, visited: WindowsPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    path = windows.own(windows.places.program_data / "secret-letter", FIRST)
    windows.owners[path] = None
    windows.refuses.add("print_jobs")
    told = clean(visited)
    assert "secret-letter" not in f"{told}{[vars(one) for one in caplog.records]}"


def test_the_end_of_the_window_with_its_session_is_expected(
    windows: FakeWindows, visited: WindowsPlatform
) -> None:
    async def scene() -> None:
        cleaning_up = asyncio.create_task(visited.clean())
        await asyncio.sleep(0)
        assert visited.is_cleaning
        await cleaning_up
        assert not visited.is_cleaning

    asyncio.run(scene())
