"""kill -9 of the broker, with all that it retained, while a controller stands at a named step."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.deaths import of_broker
from tests.end_to_end.held import HELD
from tests.end_to_end.scenes import Case, play_all
from tests.end_to_end.stage import Stage

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def verdicts(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, list[str]]]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        rooms = {case: stage.room(f"room-{n}") for n, case in enumerate(HELD)}
        stage.open_desk()
        yield play_all(HELD, lambda case: of_broker(stage, rooms[case]))


@pytest.mark.parametrize("case", HELD, ids=str)
def test_a_killed_broker_loses_nothing(case: Case, verdicts: dict[Case, list[str]]) -> None:
    assert verdicts[case] == []
