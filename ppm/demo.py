"""A whole room on one machine: broker, database, controller, API, postes and visitors, in one process.

All that it keeps is in one folder. It begins anew at each start; what it was given by settings (a broker, a
database) is used instead of its own.
"""

import asyncio
import json
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.app import create_app, serve
from api.settings import ApiSettings
from fleet.database import schema
from fleet.database.engine import Database
from fleet.database.tables import poste, presence
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from kiosk_agent.broker import Broker
from kiosk_agent.settings import Settings as PosteSettings
from ppm import addresses, compose, demo_room
from ppm import settings as table
from ppm.authority import for_machines
from ppm.cli import CommandFailed
from ppm.demo_facts import FACTS
from ppm.demo_folder import INNER
from ppm.desk_http import Attendant, HttpDesk
from ppm.homes import cache_home
from ppm.parts.broker import Binary, PrivateBroker, find_mosquitto
from ppm.parts.process import free_port
from ppm.reachable import reachable
from ppm.setting import Setting
from ppm.setting_rules import BrokerUrl
from ppm.setting_values import Settings
from ppm.simulator.mishaps import Mishaps, Rates
from ppm.simulator.room import Room
from ppm.simulator.visitors import Habits, Visitors
from protocol.version import MAJOR

log = logging.getLogger(__name__)
LOG = "demo.log"
_READY_S = 60.0
_LOOK_S = 0.1
_SEAT_S = 1800
MISHAPS = Rates(crash=0.5, freeze=0.5, network=1.0, power=0.25)
"""Gentle: in a room of twelve, something about every two minutes."""
HABITS = Habits(arrivals_per_minute=20.0, minutes=(1.0, 2.0, 3.0), leaves_early=0.4)


@dataclass(frozen=True)
class Mqtt:
    """Where tools connect, and as whom; `binary` is the Mosquitto that was found, if we needed one."""

    host: str
    port: int
    username: str
    password: str
    root: str
    binary: Binary | None = None


@dataclass(frozen=True)
class Wanted:
    """What a demo is to have: how many postes, people and mishaps or none, and a poste for who watches."""

    postes: int = 12
    visitors: bool = True
    calm: bool = False
    seat: bool = False


@dataclass(frozen=True)
class Seat:
    """A poste that nothing simulates, and a code for it."""

    poste: str
    broker: Broker
    code: str


@dataclass(frozen=True)
class Running:
    """A demo that is ready."""

    api: str
    mqtt: Mqtt
    login: str
    password: str
    postes: list[str]
    folder: Path
    fleet: Fleet
    room: Room
    tasks: "list[asyncio.Future[None]]" = field(default_factory=list)
    seat: Seat | None = None
    own_database: str | None = None
    """Its URL; None where the database was given, whose password is nobody else's."""

    def facts(self) -> dict[str, Any]:
        """What `demo.json` says."""
        mqtt = {name: getattr(self.mqtt, name) for name in ("host", "port", "username", "password", "root")}
        operator = {"login": self.login, "password": self.password}
        where = {"api": self.api, "mqtt": mqtt, "database": self.own_database}
        return {**where, "operator": operator, "postes": self.postes}


@asynccontextmanager
async def running(settings: Settings, folder: Path, wanted: Wanted) -> AsyncIterator[Running]:
    """A demo, from ready to stopped; `folder` is held and clean. Raises CommandFailed, PartError."""
    http_port = _http_port(settings)
    mqtt_port = _free(table.MQTT_PORT.name, settings.get(table.MQTT_PORT))
    async with AsyncExitStack() as stack:
        # What begins here blocks for a moment; a part must be started by the thread that lives longest.
        inner = folder / INNER
        own = None if settings.is_set(table.DATABASE_URL) else f"sqlite:///{inner / 'fleet.db'}"
        fleet = _memory(settings, own or settings[table.DATABASE_URL], stack)
        furnished = demo_room.furnish(fleet, wanted.postes, settings[table.ZONE])
        mqtt, address, kiosks = _broker(settings, inner, mqtt_port, furnished.postes, stack)
        listening = asyncio.Event()
        secret = _own(settings, table.JWT_SECRET)
        app = create_app(fleet, ApiSettings(secret, secure_cookies=False, machines=for_machines(settings)))
        host = settings[table.HTTP_HOST]
        tasks: list[asyncio.Future[None]] = [
            asyncio.ensure_future(compose.new_controller(fleet, settings, address).run()),
            asyncio.ensure_future(serve(app, host, http_port, listening)),
        ]
        stack.push_async_callback(compose.end, tasks)
        seat = _seat(fleet, kiosks) if wanted.seat else None
        room = await stack.enter_async_context(Room(_places(kiosks, inner / "postes", mqtt.root)))
        api = f"http://{reachable(host)}:{http_port}"
        login, password, slugs = furnished.login, furnished.password, furnished.postes
        ready = Running(api, mqtt, login, password, slugs, folder, fleet, room, tasks, seat, own)
        await _until_ready(ready, listening)
        if wanted.visitors:
            await _let_in(ready, stack, wanted.calm)
        _write_facts(folder / FACTS, ready.facts())
        yield ready


def _memory(settings: Settings, url: str, stack: AsyncExitStack) -> Fleet:
    """The database at the schema of this version."""
    database = Database(url, register=compose.register(settings))
    stack.callback(database.close)
    schema.upgrade(database)
    return Fleet(database, CodeKeys.from_secret(_own(settings, table.CODE_SECRET).encode()))


def _seat(fleet: Fleet, kiosks: dict[str, Broker]) -> Seat:
    """Take the last poste out of those that are simulated, and give it a code."""
    slug, broker = kiosks.popitem()
    return Seat(slug, broker, demo_room.code_for(fleet, slug, _SEAT_S))


def _places(kiosks: Mapping[str, Broker], folder: Path, root: str) -> list[PosteSettings]:
    return [PosteSettings(demo_room.SITE, slug, broker, folder, root) for slug, broker in kiosks.items()]


def _own(settings: Settings, which: "Setting[str]") -> str:
    return settings.get(which) or secrets.token_hex(32)


def _broker(
    settings: Settings, folder: Path, port: int, postes: list[str], stack: AsyncExitStack
) -> tuple[Mqtt, Any, dict[str, Broker]]:
    """The broker given by settings, else one of our own; how tools, the controller and postes reach it."""
    root = settings[table.MQTT_ROOT]
    given = settings.get(table.BROKER_URL)
    if given is not None:
        address = addresses.for_services(settings)
        name, password = settings.get(table.OBSERVER_LOGIN), settings.get(table.OBSERVER_PASSWORD)
        mqtt = Mqtt(given.host, given.port, name or "", password or "", root)
        return mqtt, address, {slug: addresses.for_poste(settings, slug) for slug in postes}
    binary = find_mosquitto(cache_home(), say=lambda line: print(line, flush=True))
    broker = PrivateBroker(binary, folder / "broker", services_port=port, root=root)
    accounts = broker.add_postes(demo_room.SITE, {slug: secrets.token_urlsafe(18) for slug in postes})
    stack.enter_context(broker)
    service = BrokerUrl(
        broker.host, broker.services_port, broker.controller.name, broker.controller.password, False
    )
    observer = broker.observer
    mqtt = Mqtt(broker.host, broker.services_port, observer.name, observer.password, root, binary)
    kiosks = {
        account.name: Broker(broker.host, broker.postes_port, account.name, account.password)
        for account in accounts
    }
    return mqtt, addresses.for_services(settings, service), kiosks


async def _until_ready(demo: Running, listening: asyncio.Event) -> None:
    """Return once the API listens and knows every poste to be there. Raises CommandFailed."""
    try:
        async with asyncio.timeout(_READY_S):
            await _first(demo.tasks, listening.wait())
            await _first(demo.tasks, _until_there(demo))
    except TimeoutError:
        raise CommandFailed(f"not ready after {_READY_S:g} s; see {demo.folder / INNER / LOG}") from None


async def _until_there(demo: Running) -> None:
    while not await asyncio.to_thread(_all_there, demo):  # noqa: ASYNC110 - it comes true in the database
        await asyncio.sleep(_LOOK_S)


async def _first(tasks: "list[asyncio.Future[None]]", wanted: Any) -> Any:
    """What is wanted, unless one of the programs ends before. Raises what it ended with."""
    task = asyncio.ensure_future(wanted)
    await asyncio.wait([task, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for program in tasks:
        if program.done():
            task.cancel()
            program.result()
            raise CommandFailed("a program of the demo ended by itself")
    return await task


def _all_there(demo: Running) -> bool:
    with demo.fleet.database.read() as tx:
        wanted = {one.slug for one in demo.room}
        online = select(poste.c.slug).join_from(poste, presence).where(presence.c.online.is_(True))
        return wanted <= set(tx.execute(online).scalars())


async def _let_in(demo: Running, stack: AsyncExitStack, calm: bool) -> None:
    desk = await stack.enter_async_context(HttpDesk(demo.api, demo.login, demo.password))
    visitors = Visitors(demo_room.SITE, list(demo.room), desk, HABITS, seed=os.getpid())
    attendant = Attendant(desk, demo_room.SITE, seed=os.getpid())
    mishaps = Mishaps(list(demo.room), MISHAPS, seed=os.getpid())
    lives = (visitors, attendant) if calm else (visitors, attendant, mishaps)
    works = [asyncio.ensure_future(_go_on(one.run)) for one in lives]
    stack.push_async_callback(compose.end, works)


async def _go_on(run: Callable[[], Awaitable[None]]) -> None:
    """Keep people coming: what goes wrong with one of them ends neither the others nor the demo."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("life_failed")
        await asyncio.sleep(1)


def _write_facts(path: Path, facts: dict[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(facts, file, indent=2, ensure_ascii=False)
        file.write("\n")
    draft.replace(path)


def _http_port(settings: Settings) -> int:
    if settings.is_set(table.HTTP_PORT):
        return _free(table.HTTP_PORT.name, settings[table.HTTP_PORT])
    usual = settings[table.HTTP_PORT]
    return usual if _is_free(usual) else free_port()


def _free(name: str, port: int | None) -> int:
    """A port that was asked for, 0 for none. Raises CommandFailed when somebody has it."""
    if port is not None and not _is_free(port):
        raise CommandFailed(f"{name}: port {port} is taken by another program; give another one")
    return port or 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def subscribe_line(mqtt: Mqtt) -> str:
    """The command that shows the traffic."""
    binary = mqtt.binary
    environment = "".join(f"{key}={value} " for key, value in binary.environment.items()) if binary else ""
    program = binary.sub if binary else "mosquitto_sub"
    who = f"-u {mqtt.username} -P {mqtt.password} " if mqtt.username else ""
    return f"{environment}{program} -h {mqtt.host} -p {mqtt.port} {who}-v -t '{mqtt.root}/v{MAJOR}/#'"
