"""What is left to whoever has taken the credential of one poste, on a real broker with the files of a deployment.

What it may read and write is in test_access.py.
"""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from ppm.parts.broker import Account, PrivateBroker
from protocol import topics
from tests.support.mqtt import VERSIONS, Message, Version, Wire
from tests.support.waiting import wait_until

SITE = "st-denis"
UP = [topic for topic in topics.TOPICS if topic.publisher == "poste"]
CONNECTIONS = 1_000
FLOOD = 3_000
MEGABYTE = b"x" * 1_000_000


@dataclass(frozen=True)
class Taken:
    """A broker, a poste whose credential is taken, and another one that has to go on."""

    broker: PrivateBroker
    poste: Account
    neighbour: Account

    def controller(self) -> Wire:
        return Wire(self.broker.services_port, self.broker.controller)

    def attacker(self, version: Version = "3.1.1", will: Message | None = None) -> Wire:
        return Wire(self.broker.postes_port, self.poste, version=version, will=will)

    def own(self, topic: topics.Topic) -> str:
        return topic.path(SITE, self.poste.name)

    def log(self) -> str:
        return (self.broker.folder / "mosquitto.log").read_text()


@pytest.fixture
def taken(own_broker: PrivateBroker) -> Taken:
    poste, neighbour = own_broker.add_poste(SITE, "accueil-1"), own_broker.add_poste(SITE, "accueil-2")
    return Taken(own_broker, poste, neighbour)


@pytest.fixture
def bystander(taken: Taken) -> Iterator[Wire]:
    """The connection of the other poste, which is still there at the end, and gets its answer at once."""
    session = topics.SESSION.path(SITE, taken.neighbour.name)
    with Wire(taken.broker.postes_port, taken.neighbour) as wire, taken.controller() as controller:
        wire.subscribe(session)
        yield wire
        assert not wire.closed.is_set(), "one poste has put another out"
        asked = time.monotonic()
        controller.publish(session, b"still there")
        wait_until(lambda: wire.messages, 5, "an answer for the other poste")
        assert time.monotonic() - asked < 1.0


@pytest.mark.parametrize("version", VERSIONS)
def test_neither_the_broker_nor_a_shared_subscription_tells_it_anything(
    taken: Taken, version: Version
) -> None:
    foreign = topics.REQUEST.path(SITE, taken.neighbour.name)
    with taken.controller() as witness, taken.attacker(version) as attacker:
        attacker.subscribe(
            "$SYS/#", "$SYS/broker/clients/connected", "#", f"$share/all/{foreign}", "$share/all/#"
        )
        witness.subscribe("$SYS/#", foreign)
        wait_until(
            lambda: any(one.startswith("$SYS/") for one in witness.topics), what="what the broker tells"
        )
        attacker.publish("$SYS/broker/version", b"forged", retain=True)
        witness.publish(foreign, b"code")
        witness.publish(taken.own(topics.SESSION), b"fence")
        wait_until(lambda: attacker.messages, what="its own message")
        assert set(attacker.topics) == {taken.own(topics.SESSION)}, "by whatever way"
        assert b"forged" not in [message.payload for message in witness.messages]
        assert foreign in witness.topics


def test_a_flood_of_retained_messages_leaves_one_for_each_topic_of_its_own(
    taken: Taken, bystander: Wire
) -> None:
    with taken.attacker() as attacker:
        for number in range(FLOOD):
            attacker.send(taken.own(UP[number % len(UP)]), b"%d" % number, retain=True)
            attacker.send(f"{taken.own(topics.STATUS)}/{number}", retain=True)
            attacker.send(f"flood/{number}", retain=True)
        attacker.publish(taken.own(topics.EVENT), b"last", retain=True)
        assert not attacker.closed.is_set()
    with taken.controller() as witness:
        witness.subscribe("#")
        witness.publish("ppm/fence")
        wait_until(lambda: "ppm/fence" in witness.topics, 10)
        kept = [message.topic for message in witness.messages if message.retained]
        assert sorted(kept) == sorted(taken.own(kind) for kind in UP)
    assert not bystander.closed.is_set()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_megabyte_ends_its_own_connection_and_is_logged(
    taken: Taken, bystander: Wire, version: Version
) -> None:
    with taken.controller() as witness:
        witness.subscribe("ppm/#")
        with taken.attacker(version) as attacker:
            attacker.send(taken.own(topics.EVENT), MEGABYTE)
            assert attacker.closed.wait(5), "the broker goes on reading"
        with taken.attacker(version, will=Message(taken.own(topics.STATUS), b"x" * 60_000)) as attacker:
            assert not attacker.connected.is_set(), "a will is no way round"
        witness.publish("ppm/fence")
        wait_until(lambda: "ppm/fence" in witness.topics)
        assert witness.topics == ["ppm/fence"]
    assert not bystander.closed.is_set()
    assert f"Client {taken.poste.name} disconnected due to oversize packet." in taken.log()


def test_of_a_thousand_connections_of_one_poste_one_lives_and_others_go_on(
    taken: Taken, bystander: Wire
) -> None:
    with ExitStack() as opened:
        links = [opened.enter_context(_connected(taken)) for _ in range(CONNECTIONS)]
        for link in links:
            assert link.recv(4)[:2] == b"\x20\x02", "let in, each in the place of the one before"
        living = [link for link in links if _is_alive(link)]
        assert living == links[-1:]
        silent = [
            opened.enter_context(socket.create_connection(("127.0.0.1", taken.broker.postes_port)))
            for _ in range(CONNECTIONS)
        ]
        assert len(silent) == CONNECTIONS, "they have proved nothing, and are there"
        assert not bystander.closed.is_set()
    assert f"Client {taken.poste.name} already connected, closing old connection." in taken.log()


def _connected(taken: Taken) -> socket.socket:
    """A socket that has sent its CONNECT, each with a client id of its own choice."""
    link = socket.create_connection(("127.0.0.1", taken.broker.postes_port), 5)
    words = [f"thief-{link.fileno()}", taken.poste.name, taken.poste.password]
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + b"".join(
        struct.pack("!H", len(word)) + word.encode() for word in words
    )
    assert len(body) < 128
    link.sendall(bytes([0x10, len(body)]) + body)
    return link


def _is_alive(link: socket.socket) -> bool:
    """Whether the broker answers a PINGREQ there."""
    link.settimeout(5)
    try:
        link.sendall(b"\xc0\x00")
        return link.recv(2) == b"\xd0\x00"
    except OSError:
        return False
