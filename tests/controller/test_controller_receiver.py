"""What comes in is sorted at the edge; what is bad changes nothing, is counted and, where it can be, answered."""

from datetime import UTC, datetime

from controller.from_kiosks import ROW_PER_POSTE, Inbox, Receiver
from controller.presence import Presence
from protocol import codec, messages, topics
from protocol.topics import Topic

SITE, POSTE = "bibliotheque", "poste-1"


class Desk:
    """A receiver with its inbox, for one poste."""

    def __init__(self) -> None:
        self.inbox, self.presence = Inbox(), Presence()
        self.receiver = Receiver(SITE, "ppm", self.presence, self.inbox, lambda slug: slug == POSTE)

    def take(
        self, topic: Topic, payload: object, *, poste: str = POSTE, site: str = SITE, retain: bool = False
    ) -> None:
        raw = payload if isinstance(payload, bytes) else codec.encode(payload)
        self.receiver.receive(topic.path(site, poste), raw, retain)


def start(request_id: str = "r1") -> messages.Start:
    return messages.Start(id=request_id, nonce="n1", boot="b1", code="ABC234")


def test_a_request_waits_for_its_poste() -> None:
    desk = Desk()
    desk.take(topics.REQUEST, start())
    assert list(desk.inbox.requests[POSTE]) == [start()]
    assert desk.inbox.woken.is_set()


def test_heartbeats_are_conflated_by_poste() -> None:
    desk = Desk()
    for rev in range(100):
        desk.take(topics.HEARTBEAT, messages.Heartbeat(boot="b1", term=1, rev=rev, phase="active"))
    assert list(desk.inbox.beats) == [POSTE]
    assert desk.presence.of(POSTE).rev == 99


def test_a_poste_that_asks_without_end_keeps_a_short_row() -> None:
    desk = Desk()
    for number in range(1000):
        desk.take(topics.REQUEST, start(f"r{number}"))
    assert len(desk.inbox.requests[POSTE]) == ROW_PER_POSTE


def test_another_site_and_an_unknown_poste_are_refused() -> None:
    desk = Desk()
    desk.take(topics.REQUEST, start(), site="ailleurs")
    desk.take(topics.REQUEST, start(), poste="poste-9")
    assert desk.receiver.refused["not_of_this_site"] == 2
    assert not desk.inbox.requests


def test_a_retained_request_is_refused_with_its_id() -> None:
    desk = Desk()
    desk.take(topics.REQUEST, start(), retain=True)
    assert not desk.inbox.requests
    assert list(desk.inbox.unreadable) == [(POSTE, "r1 n1", "message_ancien")]


def test_a_malformed_request_with_an_id_is_answered() -> None:
    desk = Desk()
    desk.take(topics.REQUEST, b'{"op":"start","id":"r7","nonce":"n7","boot":"b1"}')
    assert list(desk.inbox.unreadable) == [(POSTE, "r7 n7", "message_illisible")]
    assert desk.receiver.refused["bad_field"] == 1


def test_noise_is_counted_and_nothing_more() -> None:
    desk = Desk()
    for topic in topics.TOPICS:
        if topic.publisher == "poste":
            desk.take(topic, b"\xff\xfe")
            desk.take(topic, b"x" * 20_000)
    assert desk.receiver.refused == {"not_json": 7, "too_large": 7}
    assert not desk.inbox.requests
    assert not desk.inbox.acks
    assert not desk.inbox.events


def test_a_cleared_retained_topic_is_no_message() -> None:
    desk = Desk()
    desk.take(topics.STATUS, b"", retain=True)
    assert not desk.receiver.refused


def test_what_a_controller_publishes_is_not_taken_from_a_poste() -> None:
    desk = Desk()
    desk.take(topics.REPLY, messages.Noted(boot="b1", n=1, server_time=_now()))
    assert desk.receiver.refused["not_of_this_site"] == 1


def _now() -> datetime:
    return datetime.now(UTC)
