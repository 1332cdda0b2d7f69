"""Whether somebody is there, by what really happens to the keyboard and the mouse of a real X server."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppm.parts.broker import PrivateBroker
from protocol.messages import Config, Ended, Idle
from tests.kiosk_agent.test_agent_on_a_broker import settings
from tests.kiosk_agent.window.standing import LONG_S, Visit, visit
from tests.support.waiting import eventually
from tests.support.x import Display

IDLE_S, ANSWER_S = 3, 5
NOTE = "ppm-notewindow"


def outcomes(poste: Visit) -> list[str]:
    return [one.outcome for one in poste.told(Idle)]


async def until(poste: Visit, *wanted: str) -> None:
    """Return once this is what has come of it so far."""
    await eventually(lambda: outcomes(poste) == [*wanted], LONG_S, ", ".join(wanted))


@contextmanager
def editor(poste: Visit, notes: Path) -> Iterator[Path]:
    """Another program has the keyboard."""
    running = poste.display.client("editor", notes)
    try:
        yield notes
    finally:
        running.kill()
        running.wait()


def test_keys_typed_into_another_program_count_and_who_stays_away_is_gone(
    display: Display, broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_agent.idleness.ANSWER_MS", 1000 * ANSWER_S)
    rule = Config(rev=1, site="Le Port", idle_s=IDLE_S, idle="end")

    async def body(poste: Visit) -> None:
        with editor(poste, tmp_path / "notes") as notes:
            await poste.comes_in()
            poste.display.do("search", "--onlyvisible", "--name", "^editor$", "windowfocus")
            began = time.monotonic()
            while time.monotonic() - began < 3 * IDLE_S:
                await asyncio.to_thread(poste.display.type, "a")
                await asyncio.sleep(0.5)
            assert len(notes.read_text()) > IDLE_S, "the keys went to the other program"
            assert outcomes(poste) == [], "who types is there, though no mouse moves"
            await until(poste, "asked")
            await eventually(lambda: poste.display.windows(NOTE), LONG_S, "the question is on the screen")
            poste.display.type("b")
            await until(poste, "asked", "stayed")
            assert notes.read_text().endswith("b"), "a key is the answer, and the program has it"
            await until(poste, "asked", "stayed", "asked")
            poste.display.do("mousemove_relative", "40", "0")
            await until(poste, "asked", "stayed", "asked", "stayed")
            await until(poste, "asked", "stayed", "asked", "stayed", "asked", "ended")
        await poste.locked()
        await eventually(lambda: poste.told(Ended), LONG_S, "the end is told with its reason")
        assert [(one.session, one.reason) for one in poste.told(Ended)] == [("s-abc234", "idle")]

    visit(display, settings(broker, site, f"{site}-p1", tmp_path), broker, body, rule)
