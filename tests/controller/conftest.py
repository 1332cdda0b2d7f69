"""A real controller that drives a room of a real database over a real broker, in a thread of the test."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from sqlalchemy import select

from controller.app import Controller, ControllerSettings
from controller.link import BrokerAddress
from controller.site import SiteDriver
from fleet.database import leases, tables
from fleet.database.engine import Database
from ppm.parts.broker import Binary, PrivateBroker
from protocol import codec, topics
from protocol.messages import Resync, State, Status
from tests.support.mqtt import Wire
from tests.support.rooms import BOOT, Room, make_room
from tests.support.waiting import wait_until

M = TypeVar("M")
START_S = 20


@pytest.fixture
def room(database: Database) -> Room:
    """A site that is always open, with three postes; on each database."""
    return make_room(database)


class Poste:
    """A poste that only the test moves: what it was told is decoded in `heard`."""

    def __init__(self, wire: Wire, site: str, slug: str) -> None:
        self.wire, self.site, self.slug = wire, site, slug
        self._asked = 0

    def say(self, topic: topics.Topic, message: object) -> None:
        self.wire.publish(topic.path(self.site, self.slug), codec.encode(message), retain=topic.retained)

    def appear(self, boot: str = BOOT, connection: int = 2) -> Self:
        """Come online, locked, and ask what to do."""
        self._asked += 1
        self.say(topics.STATUS, Status(online=True, boot=boot, connection=connection))
        self.say(topics.STATE, State(boot=boot, seq=1, term=0, rev=0, phase="locked"))
        asked = Resync(id=f"r-{self._asked}", nonce="n", boot=boot, term=0, rev=0, phase="locked")
        self.say(topics.REQUEST, asked)
        return self

    def heard(self, kind: type[M]) -> list[M]:
        """What it was told, of one kind, in order."""
        told = []
        for one in list(self.wire.messages):
            address = topics.parse(one.topic)
            if address is not None and one.payload:
                told.append(codec.decode(address.topic, one.payload))
        return [message for message in told if isinstance(message, kind)]

    def hears(self, kind: type[M]) -> M:
        """The first message of a kind, once it is there."""
        return wait_until(lambda: self.heard(kind), 10, f"{kind.__name__} heard")[0]


class Driven:
    """The room with its broker; `controller()` is the time in which a controller drives it."""

    def __init__(self, room: Room, broker: PrivateBroker) -> None:
        self.room, self.broker = room, broker
        with room.fleet.database.read() as tx:
            self.site = tx.execute(
                select(tables.site.c.slug).where(tables.site.c.id == room.site_id)
            ).scalar_one()
            names = select(tables.poste.c.slug).where(tables.poste.c.site_id == room.site_id)
            slugs = list(tx.execute(names.order_by(tables.poste.c.id)).scalars())
        self.accounts = broker.add_postes(self.site, {slug: secrets.token_hex(8) for slug in slugs})

    @contextmanager
    def poste(self, number: int = 0) -> Iterator[Poste]:
        """The connection of one poste."""
        account = self.accounts[number]
        with Wire(self.broker.postes_port, account, client_id=account.name) as wire:
            for topic in (topics.REPLY, topics.COMMAND, topics.SESSION, topics.CONFIG):
                wire.subscribe(topic.path(self.site, account.name))
            yield Poste(wire, self.site, account.name)

    @contextmanager
    def controller(self, *, linked: bool = True, **settings: Any) -> Iterator["Running"]:
        """A controller that drives the room (`linked`: by way of the broker too), stopped at the end."""
        with self.room.tx() as tx:
            leases.release(tx.connection, self.room.lease, tx.now)
        running = Running(self.room, self.broker, settings)
        try:
            wait_until(lambda: running.driver is not None, START_S, "the lease taken")
            if linked:
                wait_until(lambda: running.driving, START_S, "driving")
            yield running
        finally:
            running.stop()


class Running:
    """A controller in its thread."""

    def __init__(self, room: Room, broker: PrivateBroker, settings: dict[str, Any]) -> None:
        account = broker.controller
        address = BrokerAddress("127.0.0.1", broker.services_port, account.name, account.password)
        self.controller = Controller(room.fleet, ControllerSettings(address, **settings))
        self._room = room
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def driver(self) -> SiteDriver | None:
        found = self.controller.drivers.get(self._room.site_id)
        return found if found is not None and found.loaded.is_set() else None

    @property
    def driving(self) -> bool:
        return self.driver is not None and self.driver.driving.is_set()

    def do(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Do this in the controller's loop."""
        self._loop.call_soon_threadsafe(work, *arguments)

    def stop(self) -> None:
        if self._task is not None:
            self.do(self._task.cancel)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        self._task = self._loop.create_task(self.controller.run())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()


@pytest.fixture
def driven(room: Room, mosquitto_binary: Binary, tmp_path: Path) -> Iterator[Driven]:
    """The room with a broker of its own, not driven yet."""
    with PrivateBroker(mosquitto_binary, tmp_path / "broker") as broker:
        yield Driven(room, broker)
