"""Messages that should never be: through the real broker to the real controller and agent, they change nothing."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ppm.parts.broker import Account, Binary
from ppm.parts.postgres import PrivatePostgres
from protocol import codec, messages, topics
from protocol.topics import Topic
from tests.end_to_end.part import Part
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(60)


TRAIL = """SELECT numero, action FROM log WHERE site_id = :site AND action NOT LIKE '%connexion%'
    AND action != 'echec_code'"""


@dataclass
class Scene:
    """A visit under way at the first poste; the second is free. Forgers write as stand-ins or as a controller."""

    stage: Stage
    room: Room
    controller: Part
    session: int
    forger: Wire
    false_controller: Wire
    ear: Wire

    @property
    def poste(self) -> Poste:
        return self.room[0]

    @property
    def held(self) -> tuple[int, int]:
        """The term that drives and the rev of the poste."""
        ((rev,),) = self.stage.rows("SELECT rev FROM desired WHERE poste_id = :id", id=self.poste.id)
        return self.controller.driven[str(self.room.site_id)], rev

    def path(self, topic: Topic, poste: Poste | None = None) -> str:
        return topic.path(self.room.slug, (poste or self.poste).slug)

    def up(self, topic: Topic, message: object, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else codec.encode(message)
        self.forger.publish(self.path(topic), payload, retain=retain)

    def down(self, topic: Topic, message: object, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else codec.encode(message)
        self.false_controller.publish(self.path(topic), payload, retain=retain)

    def heard(self, topic: Topic) -> list[dict[str, Any]]:
        """What was said on a topic of the first poste since the last look began."""
        payloads = [m.payload for m in self.ear.messages if m.topic == self.path(topic)]
        return [told for payload in payloads if isinstance(told := _readable(payload), dict)]

    def answered(self, topic: Topic, identifier: str) -> dict[str, Any]:
        """The answer to an id."""
        found = wait_until(
            lambda: [one for one in self.heard(topic) if one.get("id") == identifier],
            5,
            f"answer to {identifier}",
        )
        return found[0]

    def desired(self, **changes: Any) -> messages.Desired:
        term, rev = self.held
        fields: dict[str, Any] = {
            "term": term, "rev": rev + 1, "phase": "active", "computed_at": datetime.now(UTC),
            "session": str(self.session), "remaining_ms": 5_000_000, "grace_ms": 1_000,
        }  # fmt: skip
        return messages.Desired(**fields | changes)

    def snapshot(self) -> list[Any]:
        """All that a message could change: the database, and what the machine is."""
        rows = [
            sorted(self.stage.rows(query, site=self.room.site_id), key=str)
            for query in (
                "SELECT id, statut, version, fin_prevue, restant_ms FROM session WHERE site_id = :site",
                "SELECT poste_id, rev, sent_rev, applied_rev, needs_care FROM desired WHERE site_id = :site",
                "SELECT id, statut FROM commande WHERE site_id = :site",
                TRAIL,
                "SELECT term FROM lease WHERE site_id = :site",
            )
        ]
        return [*rows, [(one.phase, one.view["session"], one.machine.unlocked) for one in self.room]]

    def changes_nothing(self, deed: Callable[[], Any]) -> None:
        before, deadline = self.snapshot(), self.poste.deadline()
        self.ear.messages.clear()
        deed()
        self._fence()
        self.stage.settle(self.room)
        assert self.snapshot() == before
        assert abs(self.poste.deadline() - deadline) < 0.2, "the time of the visit was changed"

    def _fence(self) -> None:
        """Return once the controller and the agent have had what came before."""
        number = f"fence-{time.monotonic_ns()}"
        ask = messages.Extend(id=number, nonce=number, boot=self.poste.machine.boot, session="0")
        self.up(topics.REQUEST, ask)
        self.answered(topics.REPLY, number)
        order = messages.Identify(
            id=number, term=self.held[0], issued_at=datetime.now(UTC), ttl_ms=5_000,
            boot=self.poste.machine.boot,
        )  # fmt: skip
        self.down(topics.COMMAND, order)
        self.answered(topics.ACK, number)

    def logged(self, part: Part, words: str) -> bool:
        return words in part.log.read_text()


def _readable(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


@pytest.fixture(scope="module")
def scene(
    mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with Stage(tmp_path_factory.mktemp("stage"), mosquitto_binary, postgres) as stage:
        room = stage.room("hostile", postes=2)
        broker = room.broker
        stand_in = broker.add_stand_in(room.slug, room[0].slug)
        stage.open_desk()
        controller = stage.controller("controller", room)
        controller.start()
        stage.start(room)
        session = stage.begin(room, room[0], 3600)
        accounts: list[Account] = [stand_in, broker.controller, broker.controller]
        forger, false_controller, ear = (Wire(broker.services_port, one) for one in accounts)
        with forger, false_controller, ear:
            ear.subscribe(f"ppm/v1/{room.slug}/#")
            yield Scene(stage, room, controller, session, forger, false_controller, ear)


# ---------------------------------------------------------------- up


def test_a_late_will_is_contradicted_and_forgotten(scene: Scene) -> None:
    boot = scene.poste.machine.boot
    scene.changes_nothing(
        lambda: scene.up(
            topics.STATUS, messages.Status(online=False, boot=boot, connection=0, reason="lost"), retain=True
        )
    )
    wait_until(lambda: scene.heard(topics.STATUS)[-1:] and scene.heard(topics.STATUS)[-1]["online"])
    assert scene.stage.is_seen(scene.poste)


def test_a_will_of_another_boot_is_forgotten(scene: Scene) -> None:
    will = messages.Status(online=False, boot="an-older-boot", connection=99, reason="lost")
    scene.changes_nothing(lambda: scene.up(topics.STATUS, will))
    assert scene.stage.is_seen(scene.poste)


UNREADABLE = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "not JSON": b"{",
    "an array": b"[]",
    "a number": b"7",
    "no fields": b"{}",
    "deep": b"[" * 3_000,
    "wrong types": b'{"online": "yes", "boot": 7, "op": "start", "id": [], "nonce": {}}',
    "negative": b'{"id": "desired", "boot": "b", "status": "done", "term": -1, "rev": -1}',
    "huge numbers": b'{"id": "desired", "boot": "b", "status": "done", "term": 1e300, "rev": 1}',
    "unknown op": b'{"op": "sudo", "nonce": "n", "boot": "b"}',
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_bytes_from_a_poste_change_nothing(scene: Scene, payload: bytes) -> None:
    def say() -> None:
        for topic in topics.TOPICS:
            if topic.publisher == "poste" and not topic.retained:
                scene.up(topic, payload)

    scene.changes_nothing(say)
    assert scene.logged(scene.controller, "message_refused")


def test_an_unreadable_request_with_an_id_is_refused_by_name(scene: Scene) -> None:
    scene.changes_nothing(
        lambda: scene.up(topics.REQUEST, b'{"op": "sudo", "id": "u-1", "nonce": "n-1", "boot": "b"}')
    )
    answer = scene.answered(topics.REPLY, "u-1")
    assert (answer["status"], answer["nonce"], answer["reason"]) == ("refused", "n-1", "message_illisible")


def test_an_oversized_message_ends_the_forgers_connection_only(scene: Scene) -> None:
    broker = scene.room.broker
    account = broker.add_service("loud", role="controller")

    def say() -> None:
        with Wire(broker.services_port, account) as loud:
            loud.send(scene.path(topics.REQUEST), b"x" * 200_000)
            assert loud.closed.wait(5)

    scene.changes_nothing(say)


def test_a_request_where_retained_is_forbidden_is_refused(scene: Scene) -> None:
    _, code = scene.stage.create(scene.room)
    start = messages.Start(id="r-1", nonce="r-1", boot=scene.poste.machine.boot, code=code)

    def say() -> None:
        scene.up(topics.REQUEST, start, retain=True)
        scene.controller.stop()
        scene.controller.start()
        scene.controller.wait_driving(scene.room.site_id)

    before = scene.snapshot()[:1]
    say()
    assert scene.answered(topics.REPLY, "r-1")["status"] == "refused"
    scene.up(topics.REQUEST, b"", retain=True)
    scene.stage.settle(scene.room)
    assert scene.snapshot()[:1] == before


def test_a_repeated_request_gets_the_same_answer_and_counts_once(scene: Scene) -> None:
    boot = scene.poste.machine.boot
    wrong = messages.Start(id="w-1", nonce="w-1", boot=boot, code="ZZZZZZ")

    def say() -> None:
        for _ in range(3):
            scene.up(topics.REQUEST, wrong)
        wait_until(lambda: len([one for one in scene.heard(topics.REPLY) if one["id"] == "w-1"]) == 3)

    scene.changes_nothing(say)
    answers = {one["reason"] for one in scene.heard(topics.REPLY) if one["id"] == "w-1"}
    assert answers == {"code_inconnu"}
    assert scene.stage.rows("SELECT failures FROM essais WHERE poste_id = :id", id=scene.poste.id) == [(1,)]


def test_a_code_typed_while_a_session_runs_here_opens_nothing(scene: Scene) -> None:
    _, code = scene.stage.create(scene.room)
    start = messages.Start(id="s-2", nonce="s-2", boot=scene.poste.machine.boot, code=code)
    scene.changes_nothing(lambda: scene.up(topics.REQUEST, start))
    assert scene.answered(topics.REPLY, "s-2")["status"] == "refused"


@pytest.mark.parametrize("session", ["0", "999999", "-1", "1e3", "a"])
def test_an_end_of_a_session_that_is_not_here_changes_nothing(scene: Scene, session: str) -> None:
    boot = scene.poste.machine.boot
    ending = messages.Ending(id=f"e-{session}", nonce="n", boot=boot, session=session, remaining_ms=0)
    scene.changes_nothing(lambda: scene.up(topics.REQUEST, ending))


def test_an_end_of_a_session_of_another_poste_changes_nothing(scene: Scene) -> None:
    broker = scene.room.broker
    neighbour = scene.room[1]
    ending = messages.Ending(id="e-x", nonce="n", boot=neighbour.machine.boot, session=str(scene.session))

    def say() -> None:
        with Wire(broker.services_port, broker.add_stand_in(scene.room.slug, neighbour.slug)) as wire:
            wire.publish(scene.path(topics.REQUEST, neighbour), codec.encode(ending))

    scene.changes_nothing(say)


ACKS = {
    "a rev of the future": {"rev": 10_000, "status": "done", "remaining_ms": 1},
    "an old rev": {"rev": 1, "status": "done", "remaining_ms": 1},
    "an old rev that was refused": {"rev": 1, "status": "refused", "reason": "ending"},
    "another boot": {"rev": 2, "status": "done", "remaining_ms": 1, "boot": "another-boot"},
    "a session of nobody": {"rev": 2, "status": "done", "remaining_ms": 1, "session": "424242"},
    "a command of nobody": {"rev": 2, "status": "done", "id": "no-such-command"},
}


@pytest.mark.parametrize("ack", ACKS.values(), ids=ACKS)
def test_a_forged_ack_changes_nothing(scene: Scene, ack: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "id": "desired",
        "boot": scene.poste.machine.boot,
        "term": scene.held[0],
        "session": str(scene.session),
    }
    scene.changes_nothing(lambda: scene.up(topics.ACK, messages.Ack(**fields | ack)))


def test_a_resync_of_an_earlier_boot_changes_nothing(scene: Scene) -> None:
    late = messages.Resync(
        id="z-1", nonce="z-1", boot="an-older-boot", term=1, rev=0, phase="locked", why="boot"
    )
    scene.changes_nothing(lambda: scene.up(topics.REQUEST, late))


def test_an_event_told_twice_is_kept_once(scene: Scene) -> None:
    event = messages.Trouble(n=900, boot="an-older-boot", what="tampering", detail="forged")
    scene.up(topics.EVENT, event)
    scene.stage.wait_kept(scene.room, "erreur", 1)

    def again() -> None:
        for _ in range(3):
            scene.up(topics.EVENT, event)

    scene.changes_nothing(again)


def test_heartbeats_and_states_change_no_session(scene: Scene) -> None:
    boot = scene.poste.machine.boot
    beat = messages.Heartbeat(boot=boot, term=1, rev=9_999, phase="locked", remaining_ms=1)
    state = messages.State(boot=boot, seq=1, term=1, rev=9_999, phase="locked")

    def say() -> None:
        scene.up(topics.HEARTBEAT, beat)
        scene.up(topics.STATE, state)

    scene.changes_nothing(say)


# ---------------------------------------------------------------- down


DESIRED: dict[str, Callable[[Scene], messages.Desired]] = {
    "an older term": lambda scene: scene.desired(term=1, rev=10_000, phase="locked", session=None),
    "a lower rev": lambda scene: scene.desired(rev=1, phase="locked", session=None),
    "the same rev, another content": lambda scene: scene.desired(
        rev=scene.held[1], phase="locked", session=None
    ),
}


@pytest.mark.parametrize("make", DESIRED.values(), ids=DESIRED)
def test_an_old_desired_state_is_superseded(scene: Scene, make: Callable[[Scene], messages.Desired]) -> None:
    scene.changes_nothing(lambda: scene.down(topics.SESSION, make(scene)))
    assert {one["status"] for one in scene.heard(topics.ACK) if one["id"] == "desired"} <= {
        "superseded",
        "done",
    }


def test_a_reply_with_a_foreign_nonce_unlocks_nothing(scene: Scene) -> None:
    free = scene.room[1]
    reply = messages.Accepted(
        id="q-1", nonce="forged", server_time=datetime.now(UTC), desired=scene.desired(rev=10_000)
    )
    scene.changes_nothing(
        lambda: scene.false_controller.publish(scene.path(topics.REPLY, free), codec.encode(reply))
    )
    assert not free.machine.unlocked


def test_a_live_desired_state_unlocks_nothing_and_makes_the_poste_ask(scene: Scene) -> None:
    free = scene.room[1]
    forged = scene.desired(term=scene.held[0], rev=10_000, session="777")
    scene.changes_nothing(
        lambda: scene.false_controller.publish(scene.path(topics.SESSION, free), codec.encode(forged))
    )
    assert not free.machine.unlocked


def test_a_retained_desired_state_extends_nothing(scene: Scene) -> None:
    with Wire(scene.room.broker.services_port, scene.room.broker.controller) as wire:
        wire.publish(scene.path(topics.SESSION), codec.encode(scene.desired(rev=scene.held[1])), retain=True)
    deadline = scene.poste.deadline()
    scene.room.broker.restart()
    scene.stage.settle(scene.room)
    assert abs(scene.poste.deadline() - deadline) < 0.2
    _reconnect(scene)


def _reconnect(scene: Scene) -> None:
    """The wires of the test died with the broker."""
    broker = scene.room.broker
    for wire in (scene.forger, scene.false_controller, scene.ear):
        wire.__exit__()
    stand_in = broker.add_stand_in(scene.room.slug, scene.poste.slug)
    scene.forger, scene.false_controller, scene.ear = (
        Wire(broker.services_port, one).__enter__()
        for one in (stand_in, broker.controller, broker.controller)
    )
    scene.ear.subscribe(f"ppm/v1/{scene.room.slug}/#")


COMMANDS: dict[str, tuple[dict[str, Any], bool, str]] = {
    "expired": ({"issued_at": datetime.now(UTC) - timedelta(hours=1)}, False, "expired"),
    "of another boot": ({"boot": "another-boot"}, False, "refused"),
    "of an older term": ({"term": 1}, False, "refused"),
}


@pytest.mark.parametrize(("changes", "retain", "status"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_should_not_be_is_refused(
    scene: Scene, changes: dict[str, Any], retain: bool, status: str
) -> None:
    number = f"c-{time.monotonic_ns()}"
    fields: dict[str, Any] = {
        "id": number, "term": scene.held[0], "issued_at": datetime.now(UTC), "ttl_ms": 5_000,
        "boot": scene.poste.machine.boot,
    }  # fmt: skip
    scene.changes_nothing(
        lambda: scene.down(topics.COMMAND, messages.Lock(**fields | changes), retain=retain)
    )
    assert scene.answered(topics.ACK, number)["status"] == status


def test_a_repeated_command_is_done_once(scene: Scene) -> None:
    number = f"c-{time.monotonic_ns()}"
    order = messages.ShowMessage(
        id=number, term=scene.held[0], issued_at=datetime.now(UTC), ttl_ms=5_000,
        boot=scene.poste.machine.boot, args=messages.MessageArgs(text=number),
    )  # fmt: skip

    def again() -> None:
        for _ in range(4):
            scene.down(topics.COMMAND, order)

    scene.changes_nothing(again)
    assert scene.poste.machine.shown[number] == 1


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_bytes_to_a_poste_change_nothing(scene: Scene, payload: bytes) -> None:
    def say() -> None:
        for topic in (topics.SESSION, topics.CONFIG, topics.REPLY, topics.COMMAND):
            scene.down(topic, payload)

    scene.changes_nothing(say)


def test_at_the_end_of_it_all_the_visit_ends_well(scene: Scene) -> None:
    assert scene.stage.act("terminate", scene.session).ok
    scene.stage.settle(scene.room)
    assert [said for said in scene.stage.wrong(scene.room) if "was refused" not in said] == []
