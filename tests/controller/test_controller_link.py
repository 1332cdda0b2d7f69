"""What comes from the broker in a row is handed on in a row; what asks for an answer is left to paho."""

import asyncio
import secrets

import pytest
from aiomqtt import Will

from controller import link
from controller.link import unanswered
from ppm.parts.broker import PrivateBroker
from protocol import topics
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

Heard = list[tuple[str, bytes, bool]]


def packet(topic: str, payload: bytes, *, qos: int = 0, retained: bool = False) -> bytes:
    number = b"\x00\x07" if qos else b""
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode() + number + payload
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    return bytes([0x30 | qos << 1 | retained]) + size + body


def taken(packets: bytes) -> tuple[Heard, int]:
    heard: Heard = []
    end = unanswered(packets, 0, lambda *one: heard.append(one))
    return heard, end


def test_messages_that_ask_for_nothing_are_handed_on_in_their_order() -> None:
    row = packet("a/1", b"x") + packet("a/é", bytes(300), retained=True) + packet("a/3", b"")
    heard, end = taken(row)
    assert heard == [("a/1", b"x", False), ("a/é", bytes(300), True), ("a/3", b"", False)]
    assert end == len(row)


@pytest.mark.parametrize(
    "other", [packet("a/2", b"y", qos=1), b"\xd0\x00", b"\x40\x02\x00\x01", packet("a/2", b"y", qos=2)]
)
def test_what_asks_for_an_answer_ends_the_row(other: bytes) -> None:
    first = packet("a/1", b"x")
    heard, end = taken(first + other + packet("a/3", b"z"))
    assert heard == [("a/1", b"x", False)]
    assert end == len(first)


def test_a_message_of_which_something_is_missing_waits() -> None:
    first, second = packet("a/1", b"x"), packet("a/2", bytes(200))
    for cut in range(len(second)):
        heard, end = taken(first + second[:cut])
        assert heard == [("a/1", b"x", False)]
        assert end == len(first)


@pytest.mark.parametrize(
    "broken", [b"\x30\x03\x00\x09a", b"\x30\x04\x00\x02\xff\xfe", b"\x30\xff\xff\xff\xff\x7f" + bytes(9)]
)
def test_what_is_no_message_is_left_to_who_closes_the_connection(broken: bytes) -> None:
    assert taken(broken) == ([], 0)


def test_on_a_real_connection_each_message_comes_once_and_in_order(broker: PrivateBroker) -> None:
    (poste,) = broker.add_postes("lien", {f"poste-{secrets.token_hex(4)}": secrets.token_hex(8)})
    beat = topics.HEARTBEAT.path("lien", poste.name, broker.root)
    ack = topics.ACK.path("lien", poste.name, broker.root)
    heard: Heard = []

    async def scene() -> None:
        account = broker.controller
        address = link.BrokerAddress("127.0.0.1", broker.services_port, account.name, account.password)
        will = Will("ppm/v1/_controller/lien/status", b"{}", 1, False)
        async with link.connection(address, "link-test", will, lambda *one: heard.append(one)) as client:
            await client.subscribe([(beat, 0), (ack, 1)])
            await asyncio.to_thread(speak)
            await asyncio.to_thread(wait_until, lambda: len(heard) >= 900, 10, "all of it heard")

    def speak() -> None:
        with Wire(broker.postes_port, poste, client_id=poste.name) as wire:
            for n in range(900):
                path = beat if n % 3 else ack
                wire.publish(path, b"%d %b" % (n, bytes(n % 200)), qos=0 if n % 3 else 1)

    asyncio.run(scene())
    by_topic = {
        path: [int(payload.split()[0]) for topic, payload, _ in heard if topic == path]
        for path in (ack, beat)
    }
    assert by_topic[ack] == [n for n in range(900) if n % 3 == 0]
    assert by_topic[beat] == [n for n in range(900) if n % 3]
