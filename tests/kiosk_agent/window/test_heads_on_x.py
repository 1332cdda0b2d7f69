"""The window on a real X server with several monitors: each is covered, whichever comes or goes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk_agent.clock import BootClock
from tests.kiosk_agent.window.standing import LONG_S, TITLE, Poste, play
from tests.support.gallery import FREE, LENT
from tests.support.waiting import eventually
from tests.support.x import Display

LEFT, RIGHT, WIDE = (0, 0, 1366, 768), (1366, 0, 1024, 768), (0, 0, 2390, 768)


@pytest.fixture
def heads(tmp_path: Path) -> Iterator[Display]:
    """A screen of its own, wide enough for both."""
    folder = tmp_path / "screen"
    folder.mkdir()
    with Display(folder, (2390, 768)) as shown:
        shown.plug(LEFT, RIGHT)
        yield shown


def owners(poste: Poste, monitor: tuple[int, int, int, int]) -> set[str]:
    """The processes whose windows are on top there, at its corners and in its middle."""
    left, top, width, height = monitor
    places = [
        (x, y)
        for x in (left + 4, left + width // 2, left + width - 4)
        for y in (top + 4, top + height // 2, top + height - 4)
    ]
    return {poste.display.do("getwindowpid", poste.display.above(*place)) for place in places}


async def covered(poste: Poste, *monitors: tuple[int, int, int, int]) -> None:
    """Return when nothing but our window is to be seen on these."""
    await eventually(
        lambda: all(owners(poste, one) == {str(poste.pid)} for one in monitors), LONG_S, "all is covered"
    )


def test_every_monitor_is_covered_and_the_first_one_takes_the_code(heads: Display, tmp_path: Path) -> None:
    async def body(poste: Poste) -> None:
        await covered(poste, LEFT, RIGHT)
        rival = poste.display.client("rival", tmp_path / "rival")
        try:
            await covered(poste, LEFT, RIGHT)
            await poste.takes_codes()
            await poste.lend()
            await eventually(lambda: owners(poste, RIGHT) != {str(poste.pid)}, LONG_S, "the visitor has both")
            now = BootClock().now()
            poste.door.changed(replace(LENT, phase="grace", deadline=now - 1, end=now + 60_000))
            await eventually(lambda: len(poste.display.windows("ppm-banner")) == 2, LONG_S, "told on both")
            poste.door.changed(FREE)
            await covered(poste, LEFT, RIGHT)
        finally:
            rival.kill()
            rival.wait()

    play(heads, tmp_path, body)


def test_a_monitor_that_is_plugged_in_or_out_at_any_moment_leaves_nothing_uncovered(
    heads: Display, tmp_path: Path
) -> None:
    async def body(poste: Poste) -> None:
        first = poste.pid
        for monitors in ((WIDE,), (LEFT, RIGHT), (RIGHT, LEFT), (LEFT, RIGHT)):
            poste.display.plug(*monitors)
            await covered(poste, *monitors)
            await poste.takes_codes()
        await poste.lend()
        for monitors in ((WIDE,), (LEFT, RIGHT)):
            poste.display.plug(*monitors)
            await eventually(lambda: not poste.display.windows(TITLE), LONG_S, "still lent")
        poste.door.changed(FREE)
        await covered(poste, LEFT, RIGHT)
        await poste.takes_codes()
        assert poste.pid == first, "it went through all of it"

    play(heads, tmp_path, body)
