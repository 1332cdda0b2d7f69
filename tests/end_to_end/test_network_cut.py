"""The cable of a poste is pulled: it keeps the time alone, and on its return both sides agree."""

import time
from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage
from tests.support.proxy import Proxy

pytestmark = pytest.mark.timeout(120)

GRACE_S = 2


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


def _open(stage: Stage, offline: str) -> tuple[Room, Poste, Proxy]:
    politique = {"grace_s": GRACE_S, "offline": offline, "offline_after_s": 2}
    room = stage.room("cut", cable=True, politique=politique)
    stage.open_desk()
    stage.controller("controller", room).start()
    stage.start(room)
    assert room.cable is not None
    return room, room[0], room.cable


def test_cut_off_it_warns_graces_and_locks_by_itself_and_both_agree_on_its_return(stage: Stage) -> None:
    room, poste, cable = _open(stage, "continue")
    session = stage.begin(room, poste, 12)
    ends_at = poste.deadline() + GRACE_S
    cable.cut()
    poste.wait_phase("grace", timeout_s=15)
    poste.wait_phase("cleaning", "locked", timeout_s=5)
    locked_at = poste.machine.times("lock")[-1]
    assert 0 <= locked_at - ends_at + 0.01 <= 1
    assert [one["detail"] for one in poste.machine.deeds if one["deed"] == "warn"] == ["10"]
    cable.heal()
    stage.settle(room, since=time.monotonic())
    assert stage.wrong(room) == []
    assert stage.rows("SELECT statut, motif_fin, restant_ms FROM session WHERE id = :id", id=session) == [
        ("expiree", "duree_ecoulee", 0)
    ]
    stage.wait_kept(room, "avertissement", 1)


def test_time_added_while_it_was_cut_off_is_there_on_its_return(stage: Stage) -> None:
    room, poste, cable = _open(stage, "continue")
    session = stage.begin(room, poste, 60)
    cable.cut()
    assert stage.act("add_time", session, seconds=600).ok
    time.sleep(2)
    assert poste.machine.unlocked
    cable.heal()
    stage.settle(room)
    assert poste.machine.unlocked
    assert stage.wrong(room) == []


def test_an_end_at_the_desk_reaches_a_poste_that_was_cut_off_and_its_own_measure_counts(stage: Stage) -> None:
    room, poste, cable = _open(stage, "continue")
    session = stage.begin(room, poste, 60)
    cable.cut()
    assert stage.act("terminate", session).ok
    time.sleep(3)
    cable.heal()
    stage.settle(room)
    assert not poste.machine.unlocked
    assert poste.machine.used_s(session) > 3, "it was told before the cable was back"
    assert stage.wrong(room) == []


def test_under_the_rule_suspend_a_cut_locks_and_its_time_is_credited_once(stage: Stage) -> None:
    room, poste, cable = _open(stage, "suspend")
    session = stage.begin(room, poste, 60)
    for _ in range(2):
        cable.cut()
        poste.wait_phase("suspended", timeout_s=5)
        time.sleep(3)
        cable.heal()
        poste.wait_phase("active")
        stage.settle(room)
        assert stage.wrong(room) == []
    cable.drop()
    time.sleep(1)
    stage.settle(room)
    assert stage.wrong(room) == []
    given = stage.rows("SELECT cle FROM octroi WHERE session_id = :id AND genre = 'credit_panne'", id=session)
    assert len(given) == len(set(given)) <= 2


def test_a_cut_shorter_than_the_rule_changes_nothing(stage: Stage) -> None:
    room, poste, cable = _open(stage, "suspend")
    stage.begin(room, poste, 60)
    cable.drop()
    time.sleep(1)
    stage.settle(room)
    assert len(poste.machine.times("unlock")) == 1
    assert stage.wrong(room) == []


def test_a_new_boot_in_mid_session_is_suspended_and_resumed_with_the_same_code(stage: Stage) -> None:
    room, poste, _ = _open(stage, "continue")
    session, code = stage.create(room, 60)
    poste.type_code(code)
    poste.wait_phase("active")
    stage.settle(room)
    poste.power_cycle()
    poste.wait_phase("suspended")
    stage.settle(room)
    assert stage.wrong(room) == []
    poste.type_code(code)
    poste.wait_phase("active")
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.rows("SELECT statut FROM session WHERE id = :id", id=session) == [("active",)]
