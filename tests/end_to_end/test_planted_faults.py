"""The checker sees: with a mistake planted in a part, the same scenes are red."""

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Scene, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import ANSWERING, COMMIT, ORDER_DONE, REPLY, START

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

PUBLISHED_FIRST = Case("start", Step("after", COMMIT, START))
REPLY_LOST = Case("start", Step("before", REPLY, ANSWERING))
ORDER_SENT_AGAIN = Case("message", Step("before", ORDER_DONE))
MISTAKES = {
    PUBLISHED_FIRST: (["publish_before_commit"], []),
    REPLY_LOST: (["no_memory_of_requests"], []),
    # A message that is marked as sent before its answer is kept would not be sent again.
    ORDER_SENT_AGAIN: (["slow_marks"], ["no_memory_of_commands"]),
}
"""What is planted in the controller, and in the agent."""


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> dict[Case, list[str]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        stage.open_desk()
        return play_all(MISTAKES, lambda case: _scene(stage, case))


def _scene(stage: Stage, case: Case) -> Scene:
    in_controller, in_agent = MISTAKES[case]
    name = in_controller[0].replace("_", "-")
    room = stage.room(name, faults=in_agent)
    controller = stage.controller(name, room, faults=in_controller)
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
    assert any("shown 2 times" in said for said in verdicts[ORDER_SENT_AGAIN]), verdicts[ORDER_SENT_AGAIN]
