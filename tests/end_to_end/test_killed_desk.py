"""kill -9 of the process in which operators' use cases run, before and after their commits."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Deed, Scene, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import COMMIT, COMMITTED

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

WORK = "fleet.usecases.sessions."
DEEDS: tuple[Deed, ...] = ("add_time", "suspend", "resume", "terminate")
CASES = [Case(deed, Step("before", at, WORK + deed)) for deed in DEEDS for at in (COMMIT, COMMITTED)]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        room = stage.room("room", postes=len(CASES))
        desk = stage.open_desk()
        stage.controller("controller", room).start()
        stage.start(room)

        def killed() -> float:
            died_at = desk.wait_dead()
            desk.start()
            return died_at

        scenes = {
            case: Scene(stage, room, room[n], desk, killed, certain=False) for n, case in enumerate(CASES)
        }
        yield play_all(CASES, scenes.__getitem__, at_once=1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_killed_desk_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
