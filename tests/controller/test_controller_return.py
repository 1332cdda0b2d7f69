"""A poste that returns: how long it was away is known from before its return."""

from controller.from_kiosks import Inbox, Receiver
from controller.presence import Presence
from protocol import codec, topics
from protocol.messages import Ack, Heartbeat, Message, Start, Status
from protocol.topics import Topic


def _beat(phase: str = "active") -> Heartbeat:
    return Heartbeat(boot="b1", term=1, rev=1, phase=phase)  # type: ignore[arg-type]


def _status(connection: int, boot: str = "b1", *, online: bool = True) -> Status:
    return Status(online=online, boot=boot, connection=connection)


def test_what_a_poste_says_on_its_return_does_not_shorten_its_absence() -> None:
    presence = Presence()
    presence.status("p", _status(1), 100.0)
    presence.heartbeat("p", _beat(), 120.0)
    presence.status("p", _status(1, online=False), 125.0)
    presence.status("p", _status(2), 180.0)
    presence.heard("p", "b1", 180.1, worked=True)
    assert presence.last_worked("p") == 120.0
    presence.agreed("p")
    assert presence.last_worked("p") == 180.1


def test_a_second_return_before_they_agreed_counts_from_the_first_absence() -> None:
    presence = Presence()
    presence.status("p", _status(1), 100.0)
    presence.heartbeat("p", _beat(), 120.0)
    for connection, now in ((2, 180.0), (3, 190.0)):
        presence.status("p", _status(connection), now)
        presence.heard("p", "b1", now + 0.1, worked=True)
    assert presence.last_worked("p") == 120.0


def test_a_controller_that_has_never_heard_a_poste_work_does_not_take_its_return_for_work() -> None:
    presence = Presence()
    presence.status("p", _status(1), 100.0)
    presence.status("p", _status(2), 180.0)
    presence.heard("p", "b1", 180.1, worked=True)
    assert presence.last_worked("p") is None


def test_a_question_of_an_earlier_start_of_the_machine_is_refused() -> None:
    presence, inbox = Presence(), Inbox()
    receiver = Receiver("site", "ppm", presence, inbox, lambda _: True)

    def take(topic: Topic, message: Message) -> None:
        receiver.receive(topic.path("site", "p"), codec.encode(message), False)

    take(topics.STATUS, _status(1, "new"))
    take(topics.REQUEST, Start(id="r1", nonce="n1", boot="old", code="ABC234"))
    take(topics.ACK, Ack(id="desired", boot="old", status="done", term=1, rev=1))
    assert not inbox.requests
    assert not inbox.acks
    assert list(inbox.unreadable) == [("p", "r1 n1", "message_ancien")]
    assert receiver.refused["earlier_boot"] == 2
