"""kill -9 at seeded random moments of a busy room: the books are right each time, and the room goes on."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.life import Visits
from tests.end_to_end.part import Part
from tests.end_to_end.stage import Room, Stage

POSTES = 4
SEED = 20_261_120
FEW, MANY = 2, 100
VICTIMS = ("controller", "broker", "desk", "agent")


@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_busy_room_survives_a_few_deaths(victim: str, mosquitto_binary: Binary, tmp_path: Path) -> None:
    _kill_many(victim, FEW, mosquitto_binary, tmp_path, crossing=False)


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("victim", [*VICTIMS, "database"])
def test_a_busy_room_survives_a_hundred_deaths(victim: str, mosquitto_binary: Binary, tmp_path: Path) -> None:
    _kill_many(victim, MANY, mosquitto_binary, tmp_path, crossing=True)


def _kill_many(victim: str, times: int, binary: Binary, folder: Path, *, crossing: bool) -> None:
    rng = Random(f"{SEED} {victim}")
    with PrivatePostgres(fsync=False) as postgres, Stage(folder, binary, postgres) as stage:
        room = stage.room("room", postes=POSTES, politique={"sessions_per_day": None})
        desk = stage.open_desk()
        controller = stage.controller("controller", room)
        controller.start()
        stage.start(room)
        visits = [Visits(stage, room, poste, Random(rng.random()), crossing=crossing) for poste in room]
        for one in visits:
            one.start()
        deaths = {
            "controller": lambda: _again(controller, lambda: controller.wait_driving(room.site_id)),
            "broker": lambda: _broker(room),
            "desk": lambda: _again(desk),
            "agent": lambda: _again(rng.choice(room.postes).part),
            "database": lambda: _database(postgres),
        }
        for number in range(times):
            time.sleep(rng.uniform(0.1, 1.5))
            died_at = deaths[victim]()
            for one in visits:
                one.rest()
            stage.settle(room, since=max(died_at, time.monotonic() - 8))
            wrong = stage.wrong(room)
            assert not wrong, "\n".join([f"after death {number + 1} of {times}", *wrong])
            for one in visits:
                one.go_on()
        for one in visits:
            one.stop()
        stage.settle(room)
        assert stage.wrong(room) == []
        assert sum(one.count for one in visits) >= times / 2, "there was no life in this room"


def _again(part: Part, then: Callable[[], None] = lambda: None) -> float:
    part.kill9()
    died_at = part.died_at
    part.start()
    then()
    return died_at


def _broker(room: Room) -> float:
    room.broker.kill9()
    died_at = time.monotonic()
    room.broker.start()
    return died_at


def _database(postgres: PrivatePostgres) -> float:
    postgres.kill9()
    died_at = time.monotonic()
    postgres.start()
    return died_at
