"""What the agent may expect of every machine, whatever its system.

A machine that is only tried and a fake Windows are here. A Debian has to be one of its own: there
end_to_end/test_a_poste_on_debian.py runs this file, with PPM_CONTRACT=linux.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk_agent.platform.base import Platform, PlatformError
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.platform.windows.machine import WindowsPlatform
from protocol import codec
from protocol.messages import Cleaned, CleanedItem
from tests.kiosk_agent.platform.fake_windows import FakeWindows
from tests.support.waiting import wait_until

QUICK_S = 0.5
"""No act but the clean-up may keep the agent's loop for longer: its window would be taken for lost at 1.9 s."""
AWAY_S = 3


@dataclass
class Stage:
    """One machine, and what a test may do to it from outside."""

    platform: Platform
    touch: Callable[[], None]
    wait: Callable[[int], None]
    again: Callable[[], Platform]


@contextmanager
def dry(_: Path) -> Iterator[Stage]:
    now = [0.0]
    made = DryPlatform(clean_s=0.01, clock=lambda: now[0])

    def wait(seconds: int) -> None:
        now[0] += seconds

    yield Stage(made, made.touched, wait, DryPlatform)


@contextmanager
def windows(folder: Path) -> Iterator[Stage]:
    fake = FakeWindows.lent(folder)
    made = WindowsPlatform(fake, fake.places)

    def wait(seconds: int) -> None:
        fake.ticks += seconds * 1000

    yield Stage(made, made.touched, wait, lambda: WindowsPlatform(fake, fake.places))


@contextmanager
def linux(_: Path) -> Iterator[Stage]:
    """This very machine, as it was installed; left locked and clean."""
    from kiosk_agent.platform.linux.machine import of_this

    made = of_this("visiteur")
    yield Stage(made, _press_a_key, time.sleep, lambda: of_this("visiteur"))
    made.lock()
    asyncio.run(made.clean())


def _press_a_key() -> None:
    """A screen that was just started anew takes a moment to have a keyboard."""
    key = ["xdotool", "key", "shift"]
    wait_until(lambda: subprocess.run(key, capture_output=True).returncode == 0, 10, "a key")


MACHINES = [linux] if os.environ.get("PPM_CONTRACT") == "linux" else [dry, windows]


@pytest.fixture(params=MACHINES, ids=lambda made: made.__name__)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with request.param(tmp_path) as made:
        yield made


def test_a_start_of_the_machine_has_one_id_whichever_agent_asks(stage: Stage) -> None:
    boot = stage.platform.boot_id()
    assert boot == stage.platform.boot_id() == stage.again().boot_id()
    assert len(boot) == 16
    assert int(boot, 16)


def test_what_it_is_can_be_told(stage: Stage) -> None:
    info = stage.platform.info()
    assert codec.encode(info)
    assert {"lock", "clean", "message"} <= set(info.capabilities)


def test_locking_twice_is_harmless(stage: Stage) -> None:
    stage.platform.lock()
    stage.platform.lock()
    stage.platform.unlock("s1")
    stage.platform.lock()


def test_unlocking_twice_is_harmless(stage: Stage) -> None:
    stage.platform.unlock("s1")
    stage.platform.unlock("s1")


@pytest.mark.parametrize("turns", [1, 2])
def test_a_clean_machine_is_attested_as_clean_on_the_wire(stage: Stage, turns: int) -> None:
    for _ in range(turns):
        stage.platform.unlock("s1")
        stage.platform.lock()
        told = asyncio.run(stage.platform.clean())
        assert told.leftovers == ()
        assert told.ms >= 0
        items = tuple(CleanedItem(what=what, count=count, bytes=size) for what, count, size in told.items)
        event = Cleaned(n=1, boot="b", session=None, ms=told.ms, items=items, leftovers=told.leftovers)
        assert codec.encode(event)


def test_cleaning_twice_is_harmless(stage: Stage) -> None:
    stage.platform.unlock("s1")
    stage.platform.lock()
    for _ in range(2):
        assert asyncio.run(stage.platform.clean()).leftovers == ()


def test_nothing_but_the_clean_up_takes_long(stage: Stage) -> None:
    one = stage.platform
    acts: tuple[Callable[[], object], ...] = (
        one.boot_id, one.info, one.lock, lambda: one.unlock("s1"), one.idle_s, one.load,
        lambda: one.warn(60, "Encore 1 min."), lambda: one.show("Bonjour"), one.lock,
    )  # fmt: skip
    for number, act in enumerate(acts):
        began = time.monotonic()
        act()
        assert time.monotonic() - began < QUICK_S, number


def test_idleness_grows_until_somebody_touches_the_machine(stage: Stage) -> None:
    stage.touch()
    stage.wait(AWAY_S)
    assert AWAY_S <= stage.platform.idle_s() <= AWAY_S + 1
    stage.touch()
    assert stage.platform.idle_s() == 0


def test_a_visitor_who_comes_is_not_idle(stage: Stage) -> None:
    """Who is let in from the desk has touched nothing yet."""
    stage.touch()
    stage.wait(AWAY_S)
    stage.platform.unlock("s1")
    assert stage.platform.idle_s() == 0


def test_the_load_is_a_number_of_processors(stage: Stage) -> None:
    assert stage.platform.load() >= 0


def test_a_version_that_can_not_be_installed_is_refused_with_a_word(stage: Stage) -> None:
    with pytest.raises(PlatformError) as caught:
        stage.platform.update("9.9.9", "0" * 64)
    assert caught.value.reason.isidentifier()
