"""The checker sees: with a mistake planted in a part, the same scenes are red."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import of_api, of_controller
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Scene, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import ANSWERING, COMMIT, KEPT, ON_TERMS, ORDER_DONE, REPLY, START

pytestmark = pytest.mark.timeout(120)

PUBLISHED_FIRST = Case("start", Step("after", COMMIT, START))
REPLY_LOST = Case("start", Step("before", REPLY, ANSWERING))
ORDER_SENT_AGAIN = Case("message", Step("before", ORDER_DONE))
MISTAKES: dict[Case, tuple[tuple[str, ...], tuple[str, ...]]] = {
    PUBLISHED_FIRST: (("publish_before_commit",), ()),
    REPLY_LOST: (("no_memory_of_requests",), ()),
    # A message that is marked as sent before its answer is kept would not be sent again.
    ORDER_SENT_AGAIN: (("slow_marks",), ("no_memory_of_commands",)),
}
"""What is planted in the controller, and in the agent."""

PATIENT_S = 30
"""What is promised within 10 s is not what is looked at here."""

ANSWERED_FIRST = Case("add_time", Step("before", COMMIT, ON_TERMS))
ASKED_AGAIN = Case("add_time", Step("after", KEPT))
OF_THE_API = {ANSWERED_FIRST: "answer_before_commit", ASKED_AGAIN: "no_memory_of_keys"}
"""What is planted in the API."""


@pytest.fixture(scope="module")
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        stage.open_desk()
        yield stage


@pytest.fixture(scope="module")
def verdicts(stage: Stage) -> dict[Case, list[str]]:
    return play_all(MISTAKES, lambda case: _scene(stage, case), within_s=PATIENT_S)


def _scene(stage: Stage, case: Case) -> Scene:
    in_controller, in_agent = MISTAKES[case]
    room = stage.room(in_controller[0].replace("_", "-"), faults=in_agent)
    return of_controller(stage, room, in_controller)


@pytest.fixture(scope="module")
def verdicts_on_the_api(stage: Stage, verdicts: dict[Case, list[str]]) -> dict[Case, list[str]]:
    """One after the other, once the others do not need the API any more."""
    room = stage.room("room", postes=len(OF_THE_API))
    stage.controller("controller", room).start()
    stage.start(room)
    said: dict[Case, list[str]] = {}
    for (case, fault), poste in zip(OF_THE_API.items(), room, strict=True):
        api = stage.open_desk().part
        api.stop()
        api.configuration["faults"] = ["short_sessions", fault]
        api.start()
        said |= play_all([case], lambda _, poste=poste: of_api(stage, room, poste), within_s=PATIENT_S)  # type: ignore[misc]
    return said


def test_an_answer_before_the_commit_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("used" in said for said in verdicts[PUBLISHED_FIRST]), verdicts[PUBLISHED_FIRST]


def test_a_request_that_is_not_remembered_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("refused" in said for said in verdicts[REPLY_LOST]), verdicts[REPLY_LOST]


def test_a_command_that_is_done_twice_is_seen(verdicts: dict[Case, list[str]]) -> None:
    assert any("shown 2 times" in said for said in verdicts[ORDER_SENT_AGAIN]), verdicts[ORDER_SENT_AGAIN]


def test_an_acknowledged_call_that_is_lost_is_seen(verdicts_on_the_api: dict[Case, list[str]]) -> None:
    said = verdicts_on_the_api[ANSWERED_FIRST]
    assert any("told 1 to 1 times, kept 0 times" in one for one in said), said


def test_a_repeated_call_that_is_done_twice_is_seen(verdicts_on_the_api: dict[Case, list[str]]) -> None:
    said = verdicts_on_the_api[ASKED_AGAIN]
    assert any("told 1 to 1 times, kept 2 times" in one for one in said), said
