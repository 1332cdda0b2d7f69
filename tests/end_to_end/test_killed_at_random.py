"""kill -9 at seeded random moments of a busy room: the books are right each time, and the room goes on."""

import time
from pathlib import Path
from random import Random

import pytest

from ppm.parts.broker import Binary, PrivateBroker
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.life import Visits
from tests.end_to_end.part import Part
from tests.end_to_end.stage import Stage

POSTES = 4
SEED = 20_261_120
TIMES = 100
VICTIMS = ("controller", "broker", "api", "agent", "database")


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_busy_room_survives_a_hundred_deaths(victim: str, mosquitto_binary: Binary, tmp_path: Path) -> None:
    rng = Random(f"{SEED} {victim}")
    with PrivatePostgres(fsync=False) as postgres, Stage(tmp_path, mosquitto_binary, postgres) as stage:
        room = stage.room("room", postes=POSTES, politique={"sessions_per_day": None})
        api = stage.open_desk().part
        controller = stage.controller("controller", room)
        controller.start()
        stage.start(room)
        deaths = {
            "controller": lambda: _part(controller),
            "broker": lambda: _server(stage, room.broker),
            "api": lambda: _part(api),
            "agent": lambda: _part(rng.choice(room.postes).part),
            "database": lambda: _server(stage, postgres),
        }
        visits = [Visits(stage, room, poste, Random(rng.random())) for poste in room]
        for one in visits:
            one.start()
        for number in range(TIMES):
            time.sleep(rng.uniform(0.1, 1.5))
            died_at = deaths[victim]()
            for one in visits:
                one.rest()
            controller.wait_driving(room.site_id)
            took = stage.settle(room, since=died_at)
            print(f"death {number + 1} of {victim}: right again after {took:.1f} s")
            wrong = stage.wrong(room)
            assert not wrong, "\n".join([f"after death {number + 1} of {TIMES}", *wrong])
            for one in visits:
                one.go_on()
        for one in visits:
            one.stop()
        stage.settle(room)
        assert stage.wrong(room) == []
        assert sum(one.count for one in visits) >= TIMES / 2, "there was no life in this room"


def _part(part: Part) -> float:
    part.kill9()
    died_at = part.died_at
    part.start()
    return died_at


def _server(stage: Stage, server: PrivateBroker | PrivatePostgres) -> float:
    died_at = stage.now()
    server.kill9()
    server.start()
    return died_at
