"""The checker sees: with a mistake planted in a part, the same scenes are red."""

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Scene, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import ANSWERING, COMMIT, MARK, REPLY, START

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

PUBLISHED_FIRST = Case("start", Step("after", COMMIT, START))
REPLY_LOST = Case("start", Step("before", REPLY, ANSWERING))
ORDER_NOT_MARKED = Case("message", Step("before", MARK))
MISTAKES = {
    PUBLISHED_FIRST: ("publish_before_commit", "controller"),
    REPLY_LOST: ("no_memory_of_requests", "controller"),
    ORDER_NOT_MARKED: ("no_memory_of_commands", "agent"),
}


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> dict[Case, list[str]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        stage.open_desk()
        return play_all(MISTAKES, lambda case: _scene(stage, case))


def _scene(stage: Stage, case: Case) -> Scene:
    """The first controller has the fault; the one that is started after its death has not."""
    fault, who = MISTAKES[case]
    name = fault.replace("_", "-")
    room = stage.room(name, faults=[fault] if who == "agent" else [])
    faults = [fault] if who == "controller" else []
    controller = stage.controller(name, room, faults=faults)
    controller.start()
    stage.start(room)

    def killed() -> float:
        died_at = controller.wait_dead(15)
        controller.start()
        controller.wait_driving(room.site_id)
        return died_at

    return Scene(stage, room, room[0], controller, killed)


def test_an_answer_before_the_commit_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("used" in said for said in verdicts[PUBLISHED_FIRST]), verdicts[PUBLISHED_FIRST]


def test_a_request_that_is_not_remembered_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("refused" in said for said in verdicts[REPLY_LOST]), verdicts[REPLY_LOST]


def test_a_command_that_is_done_twice_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("shown 2 times" in said for said in verdicts[ORDER_NOT_MARKED]), verdicts[ORDER_NOT_MARKED]
