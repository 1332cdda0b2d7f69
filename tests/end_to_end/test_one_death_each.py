"""kill -9 of each part at a telling step of a visit. `make test-long` has all steps, and a hundred random moments."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end import deaths
from tests.end_to_end.held import held
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Scene, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import COMMIT, COMMITTED, KEPT, MARK, START, WIPE

pytestmark = pytest.mark.timeout(180)

BETWEEN_COMMIT_AND_PUBLISH = Case("start", Step("before", COMMITTED, START))
DURING_CLEAN_UP = Case("terminate", Step("after", WIPE))
BETWEEN_COMMIT_AND_ANSWER = Case("add_time", Step("after", KEPT))
BETWEEN_PUBACK_AND_ACK = held("start", Step("before", MARK))
BEFORE_THE_COMMIT = held("start", Step("before", COMMIT, START))
VICTIMS = {
    "controller": BETWEEN_COMMIT_AND_PUBLISH,
    "agent": DURING_CLEAN_UP,
    "api": BETWEEN_COMMIT_AND_ANSWER,
    "broker": BETWEEN_PUBACK_AND_ACK,
    "database": BEFORE_THE_COMMIT,
}


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with (
        PrivatePostgres(fsync=False) as own,
        Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, own) as stage,
    ):
        stage.open_desk()
        shared = stage.room("shared", postes=2)
        stage.controller("shared", shared).start()
        stage.start([shared[0]])
        rooms = {victim: stage.room(victim) for victim in ("controller", "broker", "database")}

        def scene_of(case: Case) -> Scene:
            victim = next(name for name, its in VICTIMS.items() if its is case)
            match victim:
                case "agent":
                    return deaths.of_agent(stage, shared, shared[1])
                case "api":
                    return deaths.of_api(stage, shared, shared[0])
                case "controller":
                    return deaths.of_controller(stage, rooms[victim])
                case "broker":
                    return deaths.of_broker(stage, rooms[victim])
                case _:
                    return deaths.of_database(stage, rooms[victim], own)

        yield play_all(VICTIMS.values(), scene_of, at_once=1)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_death_loses_nothing_and_the_visit_goes_on(victim: str, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[VICTIMS[victim]] == []
