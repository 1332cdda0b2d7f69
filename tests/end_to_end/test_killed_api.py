"""kill -9 of the API under an operator's call, from its key to its answer: what was asked for is done once."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import of_api
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Deed, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import CLAIMED, COMMIT, COMMITTED, KEPT, ON_TERMS, SEND

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

DEEDS: tuple[Deed, ...] = ("start", "add_time", "suspend", "resume", "terminate", "message")
CASES = [
    *(Case(deed, Step("before", at, ON_TERMS)) for deed in DEEDS for at in (COMMIT, COMMITTED)),
    *(Case(deed, Step("after", CLAIMED, ON_TERMS)) for deed in ("start", "add_time")),
    *(Case(deed, Step("after", KEPT)) for deed in ("start", "add_time", "terminate", "message")),
    *(Case(deed, Step("before", SEND, nth=2)) for deed in ("start", "add_time", "resume")),
]
"""With its key taken, before the commit, after it, before the answer, and with half of the answer."""


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        room = stage.room("room", postes=len(CASES))
        stage.open_desk()
        stage.controller("controller", room).start()
        stage.start(room)
        postes = dict(zip(CASES, room, strict=True))
        yield play_all(CASES, lambda case: of_api(stage, room, postes[case]), at_once=1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_killed_api_loses_nothing_and_does_nothing_twice(
    case: Case, verdicts: dict[Case, list[str]]
) -> None:
    assert verdicts[case] == []
