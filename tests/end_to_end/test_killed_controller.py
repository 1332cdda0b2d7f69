"""kill -9 of the controller at each step of a visit: the books are right, and the visit goes on."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import of_controller
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, play_all
from tests.end_to_end.stage import Stage
from tests.end_to_end.steps import (
    ACKED,
    ANSWERING,
    COMMIT,
    COMMITTED,
    DUE,
    ENDING,
    MARK,
    ORDER_DONE,
    REPLY,
    START,
    STATE,
    TOLD,
)

AT_ONCE = 3
"""Each one that starts again takes a processor for a second or two, and waits for the lease of the dead one."""
CASES = [
    Case("start", Step("before", COMMIT, START)),
    Case("start", Step("before", COMMITTED, START)),
    Case("start", Step("before", REPLY, ANSWERING)),
    Case("start", Step("after", REPLY, ANSWERING)),
    Case("start", Step("before", MARK)),
    Case("start", Step("before", COMMIT, ACKED)),
    Case("start", Step("after", ACKED)),
    Case("add_time", Step("before", STATE)),
    Case("add_time", Step("before", MARK)),
    Case("suspend", Step("before", STATE)),
    Case("suspend", Step("before", COMMIT, ACKED)),
    Case("resume", Step("before", COMMIT, ACKED)),
    Case("terminate", Step("after", STATE)),
    Case("terminate", Step("before", COMMIT, ACKED)),
    Case("terminate", Step("before", COMMIT, TOLD)),
    Case("message", Step("before", MARK)),
    Case("message", Step("before", ORDER_DONE)),
    Case("expire", Step("before", COMMIT, DUE)),
    Case("expire", Step("before", COMMITTED, DUE)),
    Case("end", Step("before", COMMIT, ENDING)),
    Case("end", Step("before", COMMITTED, ENDING)),
]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        broker = stage.broker()
        rooms = {case: stage.room(f"room-{n}", broker=broker) for n, case in enumerate(CASES)}
        stage.open_desk()
        yield play_all(CASES, lambda case: of_controller(stage, rooms[case]), AT_ONCE)


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_killed_controller_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
