"""The parts of the Linux platform that need no machine of their own. The rest: end_to_end/test_a_poste_on_debian.py."""

import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.linux.cell import Cell
from kiosk_agent.platform.linux.idle import NoScreen, Screen, cookie_of
from kiosk_agent.platform.linux.install import OURS, SITES, Installation, InstallError, Poste
from kiosk_agent.platform.linux.machine import of_this
from kiosk_agent.updating import start
from tests.support.waiting import wait_until
from tests.support.x import Display

# ---------------------------------------------------------------- idleness


def test_idleness_is_what_the_screen_measures_and_a_key_ends_it(tmp_path: Path) -> None:
    with Display(tmp_path) as display:
        screen = Screen(int(display.name[1:]), None)
        display.press("a")
        assert screen.idle_s() == 0
        wait_until(lambda: screen.idle_s() == 2, 10, "two seconds")
        display.press("a")
        assert screen.idle_s() == 0
        screen.close()


@contextmanager
def guarded_screen(folder: Path, cookie: bytes) -> Iterator[tuple[int, Path, subprocess.Popen[bytes]]]:
    """A screen that wants a cookie."""
    authority = folder / "authority"
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", cookie)
    words = b"".join(struct.pack(">H", len(one)) + one for one in fields)
    authority.write_bytes(struct.pack(">H", 0xFFFF) + words)
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-auth", str(authority), "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL) as server:
        os.close(writer)
        with os.fdopen(reader) as told:
            number = int(told.readline())
        try:
            yield number, authority, server
        finally:
            server.kill()


def test_a_screen_that_wants_a_cookie_gets_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with guarded_screen(tmp_path, b"0123456789abcdef") as (number, authority, _):
        screen = Screen(number, authority)
        wait_until(lambda: screen.idle_s() >= 1, 5, "a second")
        screen.close()
        assert not caplog.records
        assert Screen(number, None).idle_s() == 0
        assert "refused" in caplog.text or "idleness_unknown" in caplog.text


def test_a_screen_that_hangs_or_is_gone_keeps_nobody_waiting_and_makes_nobody_away(tmp_path: Path) -> None:
    now = [0.0]
    with guarded_screen(tmp_path, b"0123456789abcdef") as (number, authority, server):
        screen = Screen(number, authority, clock=lambda: now[0])
        wait_until(lambda: screen.idle_s() >= 1, 5, "a second")
        server.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        assert screen.idle_s() == 0
        assert time.monotonic() - began < 1
        server.send_signal(signal.SIGCONT)
        assert screen.idle_s() == 0, "it is not asked at each look"

        def asked_again() -> bool:
            now[0] += 10
            return screen.idle_s() >= 1

        wait_until(asked_again, 5, "an answer")
    assert screen.idle_s() == 0


def test_a_file_without_the_cookie_of_a_screen_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "authority"
    empty.touch()
    with pytest.raises(NoScreen):
        cookie_of(empty, 0)


# ---------------------------------------------------------------- processes and accounts


def test_a_machine_that_was_not_installed_says_that_it_cannot_lock(tmp_path: Path) -> None:
    cell = Cell.of_account(4242, tmp_path)
    assert not cell.inhabited
    for act in (cell.freeze, cell.thaw, cell.kill):
        with pytest.raises(PlatformError) as refused:
            act()
        assert refused.value.reason == "no_cell"


def test_visitors_are_an_account_of_this_machine_and_never_root() -> None:
    for name in ("root", "nobody-has-this-name"):
        with pytest.raises(PlatformError):
            of_this(name)


# ---------------------------------------------------------------- what is installed


SLOT = Path("/opt/poste-public/a")


def test_a_dry_run_tells_all_and_writes_nothing(tmp_path: Path) -> None:
    steps = list(Installation(Poste("visiteur", "poste-window", SLOT), dry=True, packages=False,
                              root=tmp_path).put())  # fmt: skip
    told = {one.name for one in steps}
    files = [one for tree in (OURS, SITES) for one in tree.rglob("*") if one.is_file()]
    assert len({name for name in told if name.startswith(("/etc/X11", "/etc/systemd", "/etc/poste"))}) >= 8
    assert sum(one.what in ("file", "site file") for one in steps) == len(files)
    assert not any(re.search(r"@[A-Z_]+@", name) for name in told)
    assert list(tmp_path.iterdir()) == []


def test_what_is_installed_has_no_word_left_open() -> None:
    made = Installation(Poste("visiteur", "poste-window", SLOT), dry=True)
    for tree in (OURS, SITES):
        for place, text, _ in made._files(tree):
            assert not re.search(r"@[A-Z_]+@", text), place
            assert not re.search(r"@[A-Z_]+@", str(place))


def test_the_agent_is_started_by_the_slots_and_an_environment_that_is_none_is_refused() -> None:
    made = Installation(Poste("visiteur", "poste-window", SLOT), dry=True)
    (unit,) = [text for place, text, _ in made._files(OURS) if place.name == "ppm-kiosk.service"]
    assert "ExecStart=/usr/bin/python3 /opt/poste-public/start.py /opt/poste-public kiosk --window" in unit
    assert "Restart=always" in unit
    other = Installation(Poste("visiteur", "poste-window", Path("/opt/poste-public")), dry=True)
    with pytest.raises(InstallError, match="no slot"):
        next(other.put())


def test_the_slots_are_put_once_and_an_update_is_not_taken_back(tmp_path: Path) -> None:
    made = Installation(Poste("visiteur", "poste-window", SLOT), dry=False, root=tmp_path)
    folder = tmp_path / "opt/poste-public"
    for slot in ("a", "b"):
        (folder / slot).mkdir(parents=True)
    assert [one.state for one in made._put_slots()] == ["done", "done"]
    assert (folder / "current").readlink() == Path("a")
    start.point(folder, "b")
    assert [one.state for one in made._put_slots()] == ["already", "already"]
    assert (folder / "current").readlink() == Path("b")


def test_what_starts_the_slots_goes_with_the_poste_and_the_slots_stay(tmp_path: Path) -> None:
    made = Installation(Poste("visiteur", "poste-window", SLOT), dry=False, root=tmp_path)
    folder = tmp_path / "opt/poste-public"
    (folder / "a").mkdir(parents=True)
    list(made._put_slots())
    (folder / start.TRIAL).write_text("{}")
    (folder / "downloads").mkdir()
    (folder / "downloads/half.part").write_text("half")
    assert {one.state for one in made._remove_slots()} == {"removed"}
    assert [one.name for one in folder.iterdir()] == ["a"]
    (folder / "current").symlink_to("b")
    assert [one.state for one in made._remove_slots()] == ["already", "removed", "already"], (
        "a link to nothing"
    )
