"""Who waits is called when a machine is free again: really locked, really cleaned, and nobody looks now and then."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.stage import Room, Stage
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


def _join(stage: Stage, room: Room) -> int:
    answer = stage.open_desk().post("/attente/", {"site": room.slug, "duree": 600})
    assert answer.ok, answer
    return int(answer.result["id"])


def _wait_called(stage: Stage, ticket: int) -> None:
    wanted = "SELECT statut FROM attente WHERE id = :id"
    wait_until(lambda: stage.rows(wanted, id=ticket) == [("appelee",)], 15, "called")


def test_the_next_one_is_called_once_the_poste_is_clean_and_sits_down(stage: Stage) -> None:
    room = stage.room("room", postes=1)
    stage.open_desk()
    stage.controller("controller", room).start()
    stage.start(room)
    session = stage.begin(room, room[0])
    first, second = _join(stage, room), _join(stage, room)
    assert stage.rows("SELECT DISTINCT statut FROM attente") == [("en_file",)]
    assert stage.act("terminate", session).ok
    _wait_called(stage, first)
    stage.wait_kept(room, "nettoyage_poste", 1)
    served = stage.open_desk().post(f"/attente/{first}/serve/")
    assert served.ok, served
    room[0].wait_free()
    room[0].type_code(served.result["code_acces"])
    room[0].wait_phase("active")
    stage.settle(room)
    assert stage.rows("SELECT statut FROM attente WHERE id = :id", id=second) == [("en_file",)]
    room[0].end_session()
    _wait_called(stage, second)
    stage.settle(room)
    assert stage.wrong(room) == []


def test_who_was_called_to_a_poste_that_goes_is_called_to_another(stage: Stage) -> None:
    room = stage.room("room", postes=2)
    stage.open_desk()
    stage.controller("controller", room).start()
    stage.start(room)
    sessions = [stage.begin(room, poste) for poste in room]
    ticket = _join(stage, room)
    assert stage.act("terminate", sessions[0]).ok
    _wait_called(stage, ticket)
    assert stage.act("terminate", sessions[1]).ok
    room[1].wait_free()
    at = "SELECT poste_id FROM attente WHERE id = :id"
    assert stage.rows(at, id=ticket) == [(room[0].id,)]
    room[0].part.kill9()
    wait_until(lambda: stage.rows(at, id=ticket) == [(room[1].id,)], 10, "called to the other")
