"""A visitor changes computers, or comes back after a mistake: real agents, a real broker, the machines' own watches."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


def _open(stage: Stage) -> Room:
    room = stage.room("room", postes=3)
    stage.open_desk()
    stage.controller("controller", room).start()
    stage.start(room)
    return room


def _move(stage: Stage, session: int, to: Poste) -> None:
    answer = stage.act("transfer", session, poste=to.slug)
    assert answer.ok, answer


def test_a_session_goes_on_at_another_poste_and_back(stage: Stage) -> None:
    room = _open(stage)
    session = stage.begin(room, room[0])
    _move(stage, session, room[1])
    room[1].wait_phase("active")
    room[0].wait_free()
    stage.settle(room)
    assert stage.act("add_time", session, seconds=60).ok
    stage.settle(room)
    _move(stage, session, room[0])
    room[0].wait_phase("active")
    stage.settle(room)
    assert stage.wrong(room) == []
    assert room[0].machine.sessions == [session, session]
    assert room[1].machine.sessions == [session]
    assert stage.act("terminate", session).ok
    stage.settle(room)
    assert stage.wrong(room) == []


def test_a_poste_that_died_hands_its_visitor_over_with_the_time_that_was_left(stage: Stage) -> None:
    room = _open(stage)
    session = stage.begin(room, room[0])
    room[0].part.kill9()
    _move(stage, session, room[1])
    room[1].wait_phase("active")
    stage.settle([room[1]])
    room[0].part.start()
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.act("terminate", session).ok
    stage.settle(room)
    assert stage.wrong(room) == []


def test_two_visitors_change_places_and_both_machines_are_cleaned_in_between(stage: Stage) -> None:
    room = _open(stage)
    one, other = stage.begin(room, room[0]), stage.begin(room, room[1], 900)
    swapped = stage.act("swap", one, session=other)
    assert swapped.ok, swapped
    stage.settle(room)
    assert (room[0].view["session"], room[1].view["session"]) == (str(other), str(one))
    assert stage.wrong(room) == []
    for session in (one, other):
        assert stage.act("terminate", session).ok
    stage.settle(room)
    assert stage.wrong(room) == []


def test_an_ending_is_undone_while_the_poste_is_being_wiped(stage: Stage) -> None:
    room = _open(stage)
    session = stage.begin(room, room[0])
    assert stage.act("terminate", session).ok
    undone = stage.act("undo", session)
    assert undone.ok, undone
    room[0].wait_phase("suspended")
    stage.settle(room)
    assert stage.act("resume", session).ok
    room[0].wait_phase("active")
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.act("terminate", session).ok
    stage.settle(room)
    assert stage.wrong(room) == []
