"""Whatever is said late or in another order: what was granted is what was used and what is left."""

import shutil
from pathlib import Path
from random import Random

import pytest

from fleet.database import engine
from fleet.database.engine import Database
from tests.end_to_end.any_order import TurnedClock, World
from tests.support.rooms import make_room

STEPS = 250


@pytest.mark.parametrize("moves", [False, True], ids=["late", "late, lost and moved"])
@pytest.mark.parametrize("seed", range(5))
def test_a_room_in_which_everything_may_be_late(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, moves: bool
) -> None:
    clock = TurnedClock()
    monkeypatch.setattr(engine, "clock", lambda _connection, _told=None: clock.instant)
    shutil.copy(sqlite_template, tmp_path / "fleet.db")
    database = Database(f"sqlite:///{tmp_path / 'fleet.db'}")
    room = make_room(database, postes=2, sessions_per_day=None, grace_s=1)
    world = World(room, Random(seed), clock, moves=moves, deaths=moves)
    world.settle()
    for _ in range(3):
        for _ in range(STEPS):
            world.step()
        world.settle()
        assert not (wrong := world.wrong()), "\n".join([f"seed {seed}", *world.story, *wrong])
    database.close()
