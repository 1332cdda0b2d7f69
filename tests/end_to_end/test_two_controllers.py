"""Two controllers, one site: one drives, the other waits; whoever lost the lease changes nothing more."""

import time
from collections.abc import Iterator

import pytest

from fleet.database.leases import TTL
from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from protocol import codec, topics
from tests.end_to_end.part import Part
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

TAKEN_OVER_S = TTL.total_seconds() + 3
HANDED_OVER_S = 3.0


@pytest.fixture
def stage(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        yield stage


@pytest.fixture
def room(stage: Stage) -> Room:
    room = stage.room("two", postes=2)
    stage.open_desk()
    return room


def _two(stage: Stage, room: Room) -> tuple[Part, Part]:
    """The one that drives, and the one that waits."""
    first, second = stage.controller("first"), stage.controller("second")
    first.start()
    first.wait_driving(room.site_id)
    second.start()
    stage.start(room)
    assert not second.driven
    return first, second


def test_one_drives_and_when_it_is_killed_the_other_does(stage: Stage, room: Room) -> None:
    first, second = _two(stage, room)
    session = stage.begin(room, room[0])
    time.sleep(2)
    assert not second.driven, "two controllers drove one site"
    first.kill9()
    second.wait_driving(room.site_id, timeout_s=TAKEN_OVER_S)
    took = time.monotonic() - first.died_at
    assert took <= TAKEN_OVER_S
    stage.settle(room, since=first.died_at)
    assert stage.act("add_time", session, seconds=60).ok
    stage.settle(room)
    assert stage.wrong(room) == []


def test_a_graceful_stop_hands_over_at_once(stage: Stage, room: Room) -> None:
    first, second = _two(stage, room)
    stage.begin(room, room[0])
    asked = time.monotonic()
    first.stop()
    second.wait_driving(room.site_id, timeout_s=HANDED_OVER_S)
    assert time.monotonic() - asked <= HANDED_OVER_S
    stage.settle(room)
    assert stage.wrong(room) == []


def test_a_controller_that_was_frozen_past_its_lease_changes_nothing_when_it_thaws(
    stage: Stage, room: Room
) -> None:
    first, second = _two(stage, room)
    broker = room.broker
    session = stage.begin(room, room[0], 600)
    other = stage.begin(room, room[1], 600)
    old_term = first.driven[str(room.site_id)]
    first.freeze()
    frozen = time.monotonic()
    assert stage.act("add_time", session, seconds=60).ok
    room[1].end_session()
    second.wait_driving(room.site_id, timeout_s=TAKEN_OVER_S)
    assert time.monotonic() - frozen <= TAKEN_OVER_S
    stage.settle(room, since=frozen)
    before = _decided(stage)
    with Wire(broker.services_port, broker.observer) as ear:
        ear.subscribe(f"ppm/v1/{room.slug}/+/down/session", topics.controller_status(room.slug))
        ear.messages.clear()
        first.thaw()
        wait_until(lambda: first.running and not first.driven, what="gave up")
        time.sleep(2)
        old = [m for m in ear.messages if m.topic.endswith("session") and _term(m.payload) <= old_term]
        assert old == [], "it published after it had lost the lease"
        status = [codec.decode_controller_status(m.payload) for m in ear.messages if "_controller" in m.topic]
        assert not status or (status[-1].online and status[-1].term > old_term)
    assert _decided(stage) == before
    stage.settle(room)
    assert not room[1].machine.unlocked
    assert stage.act("terminate", session).ok
    stage.settle(room)
    assert stage.wrong(room) == []
    assert stage.rows("SELECT statut FROM session WHERE id = :id", id=other) == [("terminee",)]


def _term(payload: bytes) -> int:
    return codec.decode(topics.SESSION, payload).term if payload else 0


def _decided(stage: Stage) -> list[tuple[object, ...]]:
    """All that a controller could have changed."""
    sessions = stage.rows("SELECT id, statut, version, fin_prevue, restant_ms FROM session ORDER BY id")
    revs = stage.rows("SELECT poste_id, rev, sent_rev, applied_rev FROM desired ORDER BY poste_id")
    trail = stage.rows(
        "SELECT id FROM log WHERE action LIKE '%_session' OR action IN ('fermeture', 'expiration')"
    )
    return [*sessions, *revs, *trail]


def test_a_poste_that_knows_a_higher_term_than_the_database_is_not_deaf(stage: Stage, room: Room) -> None:
    poste: Poste = room[0]
    first = stage.controller("first")
    first.start()
    first.wait_driving(room.site_id)
    first.stop()
    stage.set_term(room, int(time.time()) + 100_000)
    first.start()
    stage.start(room)
    session = stage.begin(room, poste)
    ahead = first.driven[str(room.site_id)]
    first.stop()
    stage.set_term(room, 1)  # as an old backup has it
    first.start()
    first.wait_driving(room.site_id)
    stage.settle(room)
    wait_until(lambda: first.driven[str(room.site_id)] > ahead, what="term raised")
    assert stage.act("add_time", session, seconds=60).ok
    stage.settle(room)
    assert stage.act("terminate", session).ok
    stage.settle(room)
    assert not poste.machine.unlocked
