"""The way to the broker: one connection after another, each a new one, with nothing queued in between.

What matters is said again by the machine once the link is back, so nothing stale is ever delivered.
"""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from random import Random

from kiosk_agent.backoff import Backoff
from kiosk_agent.broker import Broker, Listener, Loop
from kiosk_agent.certificates import fault_of, fault_of_closed
from kiosk_agent.connection import Connection

__all__ = ["Broker", "Link", "Turnstile"]
log = logging.getLogger(__name__)

FIRST_WAIT_MS = 250
LONGEST_WAIT_MS = 4_000
STEADY_S = 30.0
"""A connection that lived this long was a good one. Two postes of one name end each other's much sooner."""

Turnstile = AbstractAsyncContextManager[object]
"""Held while connecting: a semaphore shared by many postes keeps a broker's backlog short."""


class Link:
    """Connects, and connects again after ever longer waits that differ from poste to poste."""

    def __init__(
        self, broker: Broker, topics: tuple[str, ...], listener: Listener, loop: Loop, rng: Random,
        turnstile: Turnstile | None = None,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._topics = topics
        self._listener = listener
        self._loop = loop
        self._wait = Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS, rng)
        self._turnstile: Turnstile = turnstile or asyncio.Semaphore(1)
        self._connection: Connection | None = None
        self._attempts = 0

    async def run(self) -> None:
        """Keep a connection for ever."""
        while True:
            try:
                await self._one_connection()
            except (OSError, ValueError) as error:
                log.warning("link_refused", extra={"error": str(error), "port": self._broker.port})
                self._listener.refused(fault_of(error, self._broker.tls))
            await asyncio.sleep(self._wait.next() / 1000)

    async def _one_connection(self) -> None:
        broker = replace(self._broker, password=self._broker.password_at(self._attempts))
        self._attempts += 1
        connection = Connection(broker, self._topics, self._listener, self._loop)
        self._connection = connection
        try:
            async with self._turnstile:
                await connection.open()
                up = await connection.wait_until_up()
            if up:
                await self._while_it_lasts(connection)
            else:
                self._listener.refused("denied" if connection.denied else fault_of_closed(self._broker.tls))
        finally:
            self._connection = None
            connection.drop()

    async def _while_it_lasts(self, connection: Connection) -> None:
        began = time.monotonic()
        await connection.closed.wait()
        if time.monotonic() - began >= STEADY_S:
            self._wait.reset()

    @property
    def address(self) -> str | None:
        """By which address of this machine the broker is reached; None while it is not."""
        return self._connection.address if self._connection is not None else None

    def publish(self, topic: str, payload: bytes, qos: int, retained: bool) -> None:
        """Say it if the link is up; forget it if not."""
        if self._connection is not None and self._connection.subscribed:
            self._connection.publish(topic, payload, qos, retained)

    async def farewell(self, topic: str, payload: bytes) -> None:
        """Say a last retained word, wait shortly for the broker to have it, and disconnect cleanly."""
        if self._connection is not None and self._connection.subscribed:
            await self._connection.farewell(topic, payload)

    def sever(self) -> None:
        """Cut the connection hard, without a farewell."""
        if self._connection is not None:
            self._connection.drop(hard=True)
