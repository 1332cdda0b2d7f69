"""Wrong codes all over a site: one alarm a window, while each poste keeps its own patience."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.database.engine import Database
from fleet.usecases.guessing import ALARM
from tests.support.rooms import Room, make_room


def _guess(room: Room, times: int) -> None:
    for number in range(times):
        assert room.refusal(room.type, "ZZZZZZ", room.postes[number % len(room.postes)]) == "code_inconnu"


@pytest.fixture
def careful(database: Database) -> Room:
    """A site that tells a human of the sixth wrong code within ten minutes."""
    return make_room(database, wrong_codes_alarm=6, wrong_codes_window_s=600)


def test_many_wrong_codes_at_several_postes_raise_one_alarm(
    careful: Room, caplog: pytest.LogCaptureFixture
) -> None:
    _guess(careful, 5)
    assert careful.log(ALARM) == []
    _guess(careful, 4)
    (line,) = careful.log(ALARM)
    assert line.metadata == {"essais": 6, "minutes": 10}
    assert [record.message for record in caplog.records].count("codes_guessed") == 1
    with careful.fleet.database.read() as tx:
        assert tx.execute(select(tables.alert.c.genre)).scalars().all() == [ALARM]


def test_an_alarm_is_raised_again_in_another_window(careful: Room) -> None:
    _guess(careful, 6)
    with careful.tx() as tx:
        tx.execute(update(tables.alert).values(created_at=tx.now - timedelta(minutes=11)))
    _guess(careful, 1)
    assert len(careful.log(ALARM)) == 2


def test_a_site_does_not_answer_for_another(careful: Room) -> None:
    other = make_room(careful.fleet.database, wrong_codes_alarm=6)
    _guess(careful, 5)
    _guess(other, 5)
    assert careful.log(ALARM) == other.log(ALARM) == []


def test_each_poste_keeps_its_own_patience_and_a_site_may_want_no_alarm(database: Database) -> None:
    room = make_room(database, wrong_codes_alarm=None)
    _guess(room, 12)
    here = room.postes[0]
    for _ in range(2):
        room.refusal(room.type, "ZZZZZZ", here)
    assert room.refusal(room.type, "ZZZZZZ", here) == "trop_d_essais"
    assert room.refusal(room.type, "ZZZZZZ", room.postes[1]) == "code_inconnu"
    assert room.log(ALARM) == []
