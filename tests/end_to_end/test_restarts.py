"""The database, the broker and their clocks come and go; a visit begins, runs and ends on each of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.part import Part
from tests.end_to_end.stage import Room, Stage
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

ENDED = "SELECT statut, motif_fin FROM session WHERE id = :id"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres(fsync=False) as own:
        yield own


@pytest.fixture
def stage(
    mosquitto_binary: Binary, own_postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, own_postgres) as stage:
        yield stage


def _open(stage: Stage) -> tuple[Room, Part]:
    room = stage.room("room", postes=2)
    if stage.postgres is not None:
        stage.open_desk()
    controller = stage.controller("controller", room)
    controller.start()
    stage.start(room)
    return room, controller


def _whole_visit(stage: Stage, room: Room) -> None:
    """A code, more time, a pause, a return, an end; and one that runs out by itself."""
    short = stage.begin(room, room[1], 3)
    session = stage.begin(room, room[0], 600)
    for deed, phase in (("add_time", "active"), ("suspend", "suspended"), ("resume", "active")):
        assert stage.act(deed, session, **({"seconds": 60} if deed == "add_time" else {})).ok
        stage.settle(room)
        assert room[0].phase == phase
    assert stage.act("terminate", session).ok
    room[0].wait_free()
    room[1].wait_free()
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.rows(ENDED, id=session) == [("terminee", "fin_operateur")]
    assert stage.rows(ENDED, id=short) == [("expiree", "duree_ecoulee")]


def test_a_visit_goes_on_over_a_restart_of_the_database(stage: Stage) -> None:
    room, _ = _open(stage)
    session = stage.begin(room, room[0])
    assert stage.postgres is not None
    stage.postgres.restart()
    # A connection that was used a moment ago is trusted: the operator's program may have to ask again.
    assert stage.act("add_time", session, seconds=60).ok
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.act("terminate", session).ok
    stage.settle(room)
    _whole_visit(stage, room)


@pytest.mark.parametrize("keeps", [True, False], ids=["with what it kept", "with nothing"])
def test_a_visit_goes_on_over_a_restart_of_the_broker(stage: Stage, keeps: bool) -> None:
    room, _ = _open(stage)
    session = stage.begin(room, room[0])
    room.broker.stop()
    if not keeps:
        for kept in (room.broker.folder / "data").iterdir():
            kept.unlink()
    room.broker.start()
    stage.settle(room)
    assert stage.act("add_time", session, seconds=60).ok
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.act("terminate", session).ok
    stage.settle(room)
    _whole_visit(stage, room)


def test_while_the_broker_is_gone_the_desk_works_and_postes_keep_the_time(stage: Stage) -> None:
    room, _ = _open(stage)
    ends, runs = stage.begin(room, room[0], 600), stage.begin(room, room[1], 4)
    room.broker.kill9()
    assert stage.act("add_time", ends, seconds=60).ok
    room[1].part.wait_for(lambda: not room[1].machine.unlocked, 10, "locked")
    room.broker.start()
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.rows(ENDED, id=runs) == [("expiree", "duree_ecoulee")]


@pytest.mark.parametrize("step_s", [3600, -3600], ids=["forward", "back"])
def test_a_step_of_the_databases_clock_ends_nothing_early_or_late(stage: Stage, step_s: int) -> None:
    room, controller = _open(stage)
    long, short = stage.begin(room, room[0], 600), stage.begin(room, room[1], 12)
    ends_at = room[1].deadline() + 1
    assert stage.desk is not None
    stage.set_clock(controller, stage.desk.part, step_s=step_s)
    stage.books.step = timedelta(seconds=step_s)
    wait_until(lambda: "clock_stepped" in controller.log.read_text(), 5, "alarm")
    stage.settle(room)
    assert [one.machine.unlocked for one in room] == [True, True]
    room[1].part.wait_for(lambda: not room[1].machine.unlocked, 20, "locked")
    assert 0 <= room[1].machine.times("lock")[-1] - ends_at + 0.01 <= 1
    stage.settle(room)
    assert stage.rows(ENDED, id=short) == [("expiree", "duree_ecoulee")]
    assert stage.act("terminate", long).ok
    stage.settle(room)
    assert stage.wrong(room) == []
    stage.wait_kept(room, "erreur", 1)


def test_a_visit_on_the_embedded_database_survives_the_death_of_the_server(
    mosquitto_binary: Binary, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary) as stage:
        room, server = _open(stage)
        session = stage.begin(room, room[0])
        assert stage.act("add_time", session, seconds=60).ok
        server.kill9()
        server.start()
        server.wait_driving(room.site_id)
        stage.settle(room, since=server.died_at)
        assert stage.wrong(room) == []
        assert stage.act("terminate", session).ok
        stage.settle(room)
        _whole_visit(stage, room)
