"""The server is down, a technician opens a poste by hand; the server comes back and is told the truth."""

from collections.abc import Iterator

import pytest

from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_views
from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.stage import Stage
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


def test_a_poste_opened_without_the_server_is_in_the_journal_and_locks_by_itself(stage: Stage) -> None:
    room = stage.room("room", postes=1)
    controller = stage.controller("controller", room)
    stage.open_desk()
    controller.start()
    stage.start(room)
    poste = room[0]
    controller.kill9()
    poste.part.line.say(order="open_by_hand", reason="serveur en panne", seconds=25)
    poste.wait_phase("maintenance")
    assert poste.machine.unlocked
    opened = stage.now()
    _, code = stage.create(room)
    poste.type_code(code)
    controller.start()
    stage.wait_kept(room, "deverrouillage_manuel", 1)
    wait_until(lambda: stage.rows("SELECT phase FROM presence") == [("maintenance",)], 10, "told as it is")
    assert poste_views.one(stage.fleet, SYSTEM, poste.id).statut == "maintenance"
    assert poste.machine.unlocked, "a controller that is back throws nobody out"
    poste.wait_phase("locked", timeout_s=40)
    (locked,) = [at for at in poste.machine.times("lock") if at > opened]
    assert 24.5 < locked - opened < 26
    stage.wait_kept(room, "deverrouillage_manuel", 2)
    stage.wait_kept(room, "nettoyage_poste", 1)
    wait_until(
        lambda: poste_views.one(stage.fleet, SYSTEM, poste.id).statut == "disponible", 10, "free again"
    )
    poste.wait_free()
    poste.type_code(code)
    poste.wait_phase("active")
    stage.settle(room)
    told = stage.rows("SELECT metadata FROM log WHERE action = 'deverrouillage_manuel' ORDER BY numero")
    assert "serveur en panne" in str(told[0])
