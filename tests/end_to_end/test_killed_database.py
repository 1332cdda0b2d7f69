"""kill -9 of PostgreSQL, once, while twelve controllers stand each at a step of its own."""

from collections.abc import Iterator
from threading import Barrier, BrokenBarrierError

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import held_controller
from tests.end_to_end.held import HELD
from tests.end_to_end.scenes import Case, play_all
from tests.end_to_end.stage import Stage

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with (
        PrivatePostgres(fsync=False) as own,
        Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, own) as stage,
    ):
        broker = stage.broker()
        rooms = {case: stage.room(f"room-{n}", broker=broker) for n, case in enumerate(HELD)}
        stage.open_desk()
        killed_at: list[float] = []

        def kill_it() -> None:
            killed_at.append(stage.now())
            own.kill9()
            own.start()

        together = Barrier(len(HELD), action=kill_it, timeout=90)

        def kill() -> float:
            try:
                together.wait()
            except BrokenBarrierError:
                raise AssertionError("another scene did not come to its step") from None
            return killed_at[0]

        yield play_all(HELD, lambda case: held_controller(stage, rooms[case], kill), at_once=len(HELD))


@pytest.mark.parametrize("case", HELD, ids=str)
def test_a_killed_database_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
