"""A controller of a few lines: it believes every code, keeps one desired session per poste, notes all it hears."""

import asyncio
import socket
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import aiomqtt

from ppm.parts.broker import PrivateBroker
from protocol import codec, topics
from protocol.messages import Accepted, Command, ControllerStatus, Desired, Ending, Noted, Refused, Start

M = TypeVar("M")


@dataclass
class Heard:
    """One message of a poste."""

    poste: str
    topic: topics.Topic
    message: Any
    retained: bool


@dataclass
class TinyController:
    """An async context manager. Codes that begin with X are wrong; others give `minutes`."""

    broker: PrivateBroker
    site: str
    minutes: float = 30
    grace_ms: int = 1_000
    deaf: bool = False
    heard: list[Heard] = field(default_factory=list)
    revs: Counter[str] = field(default_factory=Counter)
    desired: dict[str, Desired] = field(default_factory=dict)
    noting: bool = True

    async def __aenter__(self) -> Self:
        self._client = aiomqtt.Client(
            self.broker.host, self.broker.services_port, username=self.broker.controller.name,
            password=self.broker.controller.password, identifier=f"tiny-{self.site}",
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)], max_queued_outgoing_messages=0,
        )  # fmt: skip
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        await self._client.__aenter__()
        await self._client.subscribe(f"{self.broker.root}/v1/{self.site}/+/up/#", qos=1)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *args: Any) -> None:
        while not self._reading.done():
            # aiomqtt publishes within `wait_for`, which loses a cancellation that comes as it is done (Python < 3.12).
            self._reading.cancel()
            await asyncio.wait([self._reading], timeout=0.1)
        with suppress(asyncio.CancelledError, aiomqtt.MqttError):
            self._reading.result()
        with suppress(aiomqtt.MqttError):
            await self._client.__aexit__(*args)

    async def _read(self) -> None:
        async for message in self._client.messages:
            address = topics.parse(str(message.topic), self.broker.root)
            if address is None or not message.payload:
                continue
            heard = Heard(
                address.poste, address.topic, codec.decode(address.topic, message.payload), message.retain
            )
            self.heard.append(heard)
            if not self.deaf:
                await self._answer(heard)

    async def _answer(self, heard: Heard) -> None:
        message, now = heard.message, datetime.now(UTC)
        if heard.topic is topics.REQUEST:
            if isinstance(message, Start) and message.code.startswith("X"):
                await self.say(heard.poste, topics.REPLY, Refused(
                    id=message.id, nonce=message.nonce, server_time=now, reason="code_unknown",
                    fr="Ce code est inconnu.", en="This code is unknown.",
                ))  # fmt: skip
                return
            if isinstance(message, Start):
                self.decide(heard.poste, "active", session=f"s-{message.code.lower()}")
            elif isinstance(message, Ending):
                self.decide(heard.poste, "locked")
            reply = Accepted(
                id=message.id, nonce=message.nonce, server_time=now, desired=self.current(heard.poste)
            )
            await self.say(heard.poste, topics.REPLY, reply)
        elif heard.topic is topics.EVENT and self.noting:
            await self.say(heard.poste, topics.REPLY, Noted(boot=message.boot, n=message.n, server_time=now))

    def current(self, poste: str) -> Desired:
        if poste not in self.desired:
            self.decide(poste, "locked")
        return self.desired[poste]

    def decide(self, poste: str, phase: Any, **changes: Any) -> Desired:
        """The next desired session of a poste, not said yet."""
        self.revs[poste] += 1
        fields: dict[str, Any] = {
            "term": 1, "rev": self.revs[poste], "phase": phase, "computed_at": datetime.now(UTC), "session": None,
        }  # fmt: skip
        if phase == "active":
            fields |= {"remaining_ms": int(self.minutes * 60_000), "grace_ms": self.grace_ms}
        self.desired[poste] = Desired(**fields | changes)
        return self.desired[poste]

    async def order(self, poste: str, phase: Any, **changes: Any) -> None:
        """Decide and publish a desired session."""
        if phase == "active" and "session" not in changes:
            changes["session"] = self.current(poste).session
        await self.say(poste, topics.SESSION, self.decide(poste, phase, **changes))

    async def say(self, poste: str, topic: topics.Topic, message: Any) -> None:
        await self.say_bytes(
            topic.path(self.site, poste, self.broker.root), codec.encode(message), topic.retained
        )

    async def say_bytes(self, path: str, payload: bytes, retain: bool = False) -> None:
        await self._client.publish(path, payload, qos=1, retain=retain)

    async def appear(self, run: str) -> None:
        status = ControllerStatus(online=True, controller="tiny", term=1, protocol=1, run=run)
        path = topics.controller_status(self.site, self.broker.root)
        await self._client.publish(path, codec.encode(status), qos=1, retain=True)

    async def command(self, poste: str, kind: Any, boot: str | None = None, **changes: Any) -> Command:
        fields = {"id": "c1", "term": 1, "issued_at": datetime.now(UTC), "ttl_ms": 5_000, "boot": boot}
        order: Command = kind(**fields | changes)
        await self.say(poste, topics.COMMAND, order)
        return order

    def of(self, poste: str, kind: type[M]) -> list[M]:
        """What a poste said, of one kind, in order."""
        return [one.message for one in self.heard if one.poste == poste and isinstance(one.message, kind)]
