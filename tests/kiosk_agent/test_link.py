"""The way to the broker: how soon it is tried again, and what counts as a connection."""

import asyncio
from random import Random
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from kiosk_agent.broker import Broker, Will
from kiosk_agent.connection import Connection
from kiosk_agent.link import Link
from kiosk_agent.words import Fault

BROKER = Broker("127.0.0.1", 1, "p", "")


class Listener:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.ups = 0

    def will(self) -> Will:
        return Will("t", b"")

    def up(self) -> None:
        self.ups += 1

    def down(self) -> None: ...

    def refused(self, fault: Fault) -> None: ...

    def heard(self, topic: str, payload: bytes, retained: bool) -> None: ...


class ShortLived:
    """A connection that is up, and ended at once by another of the same name."""

    made = 0

    def __init__(self, *_: Any) -> None:
        ShortLived.made += 1
        self.closed = asyncio.Event()

    async def open(self) -> None:
        self.closed.set()

    async def wait_until_up(self) -> bool:
        return True

    def drop(self) -> None: ...


async def tries_in(seconds: float) -> int:
    """How often a link connects, if each connection is ended at once."""
    ShortLived.made = 0
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(Link(BROKER, ("t",), Listener(), loop, Random(1)).run())
    await asyncio.sleep(seconds)
    running.cancel()
    return ShortLived.made


@pytest.mark.parametrize(("steady_s", "fewest", "most"), [(30.0, 3, 8), (0.0, 15, 60)])
def test_only_a_connection_that_lived_makes_the_next_one_quick(
    monkeypatch: pytest.MonkeyPatch, steady_s: float, fewest: int, most: int
) -> None:
    monkeypatch.setattr("kiosk_agent.link.Connection", ShortLived)
    monkeypatch.setattr("kiosk_agent.link.FIRST_WAIT_MS", 10)
    monkeypatch.setattr("kiosk_agent.link.LONGEST_WAIT_MS", 400)
    monkeypatch.setattr("kiosk_agent.link.STEADY_S", steady_s)
    assert fewest <= asyncio.run(tries_in(0.6)) <= most


@pytest.mark.parametrize(("code", "up"), [(0x80, False), (0x01, True)])
def test_a_subscription_that_is_refused_is_no_connection(code: int, up: bool) -> None:
    async def scene() -> None:
        listener = Listener()
        connection = Connection(BROKER, ("t",), listener, asyncio.get_running_loop())
        granted = [
            ReasonCode(PacketTypes.SUBACK, identifier=1),
            ReasonCode(PacketTypes.SUBACK, identifier=code),
        ]
        connection._on_subscribe(None, None, 1, granted, None)  # type: ignore[arg-type]
        assert await connection.wait_until_up() is up
        assert listener.ups == up

    asyncio.run(scene())


def test_a_link_that_is_given_up_just_as_its_connection_is_lost_ends() -> None:
    """An agent that is stopped then waited for ever for its link, which went on connecting."""

    async def scene() -> None:
        connection = Connection(BROKER, ("t",), Listener(), asyncio.get_running_loop())
        waiting = asyncio.create_task(connection.wait_until_up())
        for _ in range(3):
            await asyncio.sleep(0)
        connection.drop()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scene())
