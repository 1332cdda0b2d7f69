"""kill -9 of the broker, with all that it retained, while a controller stands at a named step."""

from collections.abc import Callable, Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.held import HELD, held_scene
from tests.end_to_end.part import Part
from tests.end_to_end.scenes import Case, play_all
from tests.end_to_end.stage import Room, Stage

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        rooms = {case: stage.room(f"room-{n}") for n, case in enumerate(HELD)}
        stage.open_desk()
        yield play_all(HELD, lambda case: held_scene(stage, rooms[case], _broker_killed(stage, rooms[case])))


def _broker_killed(stage: Stage, room: Room) -> Callable[[Part], float]:
    def kill(controller: Part) -> float:
        room.broker.kill9()
        died_at = stage.now()
        room.broker.start()
        controller.release()
        return died_at

    return kill


@pytest.mark.parametrize("case", HELD, ids=str)
def test_a_killed_broker_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
