"""kill -9 of a poste's agent at each step of a visit: its machine locks, and the visit goes on."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import of_agent
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import (
    ANSWER,
    CLEAN,
    LOCK,
    PUBLISH,
    SAVE,
    SAVE_COMMANDS,
    SAVE_EVENT,
    SHOW,
    UNLOCK,
    WARN,
    WIPE,
)

CASES = [
    Case("start", Step("before", ANSWER)),
    Case("start", Step("before", SAVE)),
    Case("start", Step("after", SAVE)),
    Case("start", Step("after", UNLOCK)),
    Case("start", Step("after", PUBLISH, nth=2)),
    Case("add_time", Step("before", SAVE)),
    Case("add_time", Step("after", SAVE)),
    Case("suspend", Step("before", LOCK)),
    Case("suspend", Step("after", LOCK)),
    Case("suspend", Step("after", SAVE)),
    Case("resume", Step("before", SAVE)),
    Case("resume", Step("after", UNLOCK)),
    Case("message", Step("before", SAVE_COMMANDS)),
    Case("message", Step("after", SAVE_COMMANDS)),
    Case("message", Step("after", SHOW)),
    Case("warn", Step("before", WARN)),
    Case("warn", Step("after", WARN)),
    Case("terminate", Step("before", LOCK)),
    Case("terminate", Step("after", LOCK)),
    Case("terminate", Step("before", CLEAN)),
    Case("terminate", Step("after", WIPE)),
    Case("terminate", Step("after", CLEAN)),
    Case("terminate", Step("after", SAVE_EVENT)),
    Case("expire", Step("before", LOCK)),
    Case("expire", Step("after", LOCK)),
    Case("expire", Step("after", WIPE)),
    Case("end", Step("before", LOCK)),
    Case("end", Step("after", LOCK)),
    Case("end", Step("after", SAVE)),
]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        room = stage.room("killed-agent", postes=len(CASES))
        stage.open_desk()
        stage.controller("controller", room).start()
        postes = dict(zip(CASES, room, strict=True))
        yield play_all(CASES, lambda case: of_agent(stage, room, postes[case]))


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_killed_agent_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
