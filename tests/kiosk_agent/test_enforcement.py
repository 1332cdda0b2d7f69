"""The end comes on time with no network, whatever was done to the clocks, the link or the machine before."""

import datetime
import re
import time
from pathlib import Path
from typing import Any

import pytest

from ppm.parts.broker import PrivateBroker
from ppm.simulator.poste import SimulatedPoste
from protocol.messages import Status
from tests.kiosk_agent.hands import MINUTE, Hand
from tests.kiosk_agent.test_agent_on_a_broker import opened, play
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
GIVEN_S, GRACE_S = 3.0, 1.0
LATE_S = 1.0
EARLY_S = 0.2
HOUR_S = 3_600.0


async def locks_on_time(poste: SimulatedPoste, given_s: float = GIVEN_S) -> None:
    """With the network gone, the lock falls within a second of the end of the grace, and not before."""
    poste.cut_network()
    end = poste.machine.times("unlock")[0] + given_s + GRACE_S
    assert await poste.until(lambda one: one.phase in ("cleaning", "locked"), given_s + GRACE_S + 5)
    late_s = poste.machine.times("lock")[-1] - end
    assert -EARLY_S <= late_s <= LATE_S, f"locked {late_s:.2f} s after the end of the grace"


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S], ids=["an hour on", "an hour back"])
def test_a_step_of_the_machines_clock_moves_no_end(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        controller.minutes = GIVEN_S / 60
        await opened(controller, poste)
        right = time.time
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda: right() + step_s)
            await locks_on_time(poste)

    play(broker, site, tmp_path, body)


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S], ids=["an hour on", "an hour back"])
def test_a_step_of_the_servers_clock_in_mid_session_moves_no_end(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    """To a poste, its own clock stepped against the server's is the same thing."""

    class Stepped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + datetime.timedelta(seconds=step_s)

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        controller.minutes = 10
        await opened(controller, poste)
        began = time.monotonic()
        with monkeypatch.context() as clock:
            clock.setattr("tests.kiosk_agent.tiny_controller.datetime", Stepped)
            await controller.order(
                poste.slug, "active", remaining_ms=round(GIVEN_S * 1000), grace_ms=round(GRACE_S * 1000)
            )
            assert await poste.until(lambda one: left_ms(one) <= GIVEN_S * 1000, 20)
            await locks_on_time(poste, began - poste.machine.times("unlock")[0] + GIVEN_S)

    play(broker, site, tmp_path, body)


def test_fifty_reconnections_move_no_end(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_agent.link.FIRST_WAIT_MS", 1)
    monkeypatch.setattr("kiosk_agent.link.LONGEST_WAIT_MS", 5)
    given_s = 20.0

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        controller.minutes = given_s / 60
        controller.grace_ms = round(GRACE_S * 1000)
        await opened(controller, poste)
        for _ in range(50):
            before = births(controller, poste)
            assert poste.agent is not None
            poste.agent.sever()
            await eventually(lambda before=before: births(controller, poste) > before)  # type: ignore[misc]
        assert poste.phase == "active", "fifty times there was time left"
        await locks_on_time(poste, given_s)

    play(broker, site, tmp_path, body)


def left_ms(poste: SimulatedPoste) -> int:
    assert poste.agent is not None
    return poste.agent.machine.lending.remaining(poste.agent.now()) or 0


def births(controller: TinyController, poste: SimulatedPoste) -> int:
    return sum(status.online for status in controller.of(poste.slug, Status))


def test_a_machine_that_slept_past_the_end_is_locked_when_it_wakes() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.cut()
    hand.sleep(8 * 60 * MINUTE)
    hand.do(hand.machine.tick(hand.now))
    assert not hand.is_unlocked
    assert hand.phase == "cleaning"


def test_a_machine_that_slept_for_a_part_of_it_has_that_much_less() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.sleep(10 * MINUTE)
    hand.do(hand.machine.tick(hand.now))
    assert hand.is_unlocked
    assert hand.remaining == 20 * MINUTE


def test_nothing_of_the_agent_reads_the_clock_on_the_wall() -> None:
    """What cannot be read cannot be stepped. The window shows a clock and the link says why a
    certificate was refused: neither decides anything by it."""
    reads = re.compile(r"time\.time(_ns)?\(|datetime\.now|datetime\.today|date\.today|utcnow")
    found = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "kiosk_agent").rglob("*.py")
        if reads.search(file.read_text())
    }
    assert found == {"kiosk_agent/ui/qt/stand.py", "kiosk_agent/certificates.py"}
