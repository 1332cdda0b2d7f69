"""A poste whose clean-up left something is not free: the desk sees why, and gets it back by a second clean-up."""

from collections.abc import Iterator

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.stage import Room, Stage
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
KIND = "alerte_restes"


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


def _shown(stage: Stage, room: Room) -> tuple[str, list[list[str]]]:
    """What the desk sees of the poste: its statut, and what was left of each alert that lasts."""
    desk = stage.open_desk()
    alerts = [one for one in desk.see("/alertes/?en_cours=true")["resultats"] if one["genre"] == KIND]
    assert {one["poste"] for one in alerts} <= {room[0].slug}
    return desk.see(f"/postes/{room[0].slug}/")["statut"], [one["details"]["restes"] for one in alerts]


def test_what_a_clean_up_leaves_keeps_the_poste_away_from_visitors_until_it_is_clean(stage: Stage) -> None:
    room = stage.room("room", postes=1)
    left = room[0].part.configuration["leaves"] = ["var_tmp:2", "processes:1"]
    stage.open_desk()
    stage.controller("controller", room).start()
    stage.start(room)
    stage.begin(room, room[0])
    assert _shown(stage, room) == ("occupe", [])

    room[0].end_session()
    room[0].wait_phase("maintenance")
    stage.settle(room)
    assert _shown(stage, room) == ("maintenance", [left])

    waiting, code = stage.create(room)
    room[0].type_code(code)
    assert stage.show(room[0], "heard after the code").ok
    room[0].part.wait_for(lambda: room[0].machine.shown, 10, "heard what came after the code")
    assert room[0].phase == "maintenance"
    assert stage.rows("SELECT statut FROM session WHERE id = :id", id=waiting) == [("en_attente",)]

    cleaned = stage.open_desk().post(f"/postes/{room[0].slug}/commands/", {"op": "clean"})
    assert cleaned.ok, cleaned
    import time

    time.sleep(8)
    print(
        "DBG",
        _shown(stage, room),
        room[0].phase,
        stage.rows("select needs_care, rev, applied_rev from desired"),
        stage.rows("select op, statut, motif from commande"),
    )
    wait_until(lambda: _shown(stage, room) == ("disponible", []), 15, "free again")
    room[0].wait_free()
    room[0].type_code(code)
    room[0].wait_phase("active")
    stage.settle(room)
    assert stage.wrong(room) == []
