"""What the agent may expect of every machine, whatever its system."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk_agent.platform.base import Platform, PlatformError
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.platform.windows.machine import WindowsPlatform
from protocol import codec
from protocol.messages import Cleaned, CleanedItem
from tests.kiosk_agent.platform.fake_windows import FakeWindows

AT_ONCE_S = 0.25


@dataclass
class Stage:
    """One machine, and what a test may do to it from outside."""

    platform: Platform
    touch: Callable[[], None]
    wait: Callable[[int], None]
    again: Callable[[], Platform]


def dry(folder: Path) -> Stage:
    now = [0.0]
    made = DryPlatform(clean_s=0.01, clock=lambda: now[0])

    def wait(seconds: int) -> None:
        now[0] += seconds

    return Stage(made, made.touched, wait, DryPlatform)


def windows(folder: Path) -> Stage:
    fake = FakeWindows.lent(folder)
    made = WindowsPlatform(fake, fake.places)

    def wait(seconds: int) -> None:
        fake.ticks += seconds * 1000

    return Stage(made, made.touched, wait, lambda: WindowsPlatform(fake, fake.places))


@pytest.fixture(params=[dry, windows], ids=lambda made: made.__name__)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    made: Stage = request.param(tmp_path)
    return made


def test_a_start_of_the_machine_has_one_id_whichever_agent_asks(stage: Stage) -> None:
    boot = stage.platform.boot_id()
    assert boot == stage.platform.boot_id() == stage.again().boot_id()
    assert len(boot) == 16
    assert int(boot, 16)


def test_what_it_is_can_be_told(stage: Stage) -> None:
    info = stage.platform.info()
    assert codec.encode(info)
    assert "lock" in info.capabilities


def test_locking_twice_is_harmless(stage: Stage) -> None:
    stage.platform.lock()
    stage.platform.lock()
    stage.platform.unlock("s1")
    stage.platform.lock()


def test_unlocking_twice_is_harmless(stage: Stage) -> None:
    stage.platform.unlock("s1")
    stage.platform.unlock("s1")


def test_a_clean_machine_is_attested_as_clean_on_the_wire(stage: Stage) -> None:
    stage.platform.unlock("s1")
    stage.platform.lock()
    told = asyncio.run(stage.platform.clean())
    assert told.leftovers == ()
    items = tuple(CleanedItem(what=what, count=count, bytes=size) for what, count, size in told.items)
    event = Cleaned(n=1, boot="b", session=None, ms=told.ms, items=items, leftovers=told.leftovers)
    assert codec.encode(event)


def test_nothing_but_the_clean_up_takes_long(stage: Stage) -> None:
    began = time.monotonic()
    one = stage.platform
    for act in (one.boot_id, one.info, one.lock, lambda: one.unlock("s1"), one.idle_s, one.load, one.lock):
        act()
    one.warn(60, "Encore 1 min.")
    one.show("Bonjour")
    assert time.monotonic() - began < AT_ONCE_S


def test_idleness_grows_until_somebody_touches_the_machine(stage: Stage) -> None:
    stage.touch()
    stage.wait(90)
    assert stage.platform.idle_s() == 90
    stage.touch()
    assert stage.platform.idle_s() == 0


def test_a_visitor_who_comes_is_not_idle(stage: Stage) -> None:
    stage.wait(600)
    stage.platform.unlock("s1")
    assert stage.platform.idle_s() == 0


def test_the_load_is_a_number_of_processors(stage: Stage) -> None:
    assert stage.platform.load() >= 0


def test_a_version_that_can_not_be_installed_is_refused_with_a_word(stage: Stage) -> None:
    with pytest.raises(PlatformError) as caught:
        stage.platform.update("9.9.9", "0" * 64)
    assert caught.value.reason.isidentifier()
