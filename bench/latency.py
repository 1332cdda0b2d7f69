"""How long a visitor and an operator wait: a code typed, time added, a cable pulled."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Iterator

from bench.baseline_floor import mqtt_round_trips, transactions
from bench.figures import Figure, at_most, p50, p99, times_at_most, told
from bench.http import Caller
from bench.mqtt import Wire
from bench.stage import SITE, Stage, stage, wait_said
from fleet.database.follow import follow
from fleet.database.news import News
from fleet.domain.actor import ADMINISTRATEUR, SYSTEM
from fleet.usecases import operateurs, postes, presence, sessions
from ppm.parts.process import free_port
from protocol import codec, messages, topics

POSTES = 20
CODES = 300
WARM_UP = 40
PULLS = 40
PAUSE_S = 0.01


def run() -> Iterator[Figure]:
    """Typed to unlocked, and added to acknowledged, against the floor of the same run."""
    passwords = {f"poste-{n}": secrets.token_hex(8) for n in range(POSTES)}
    passwords["cable"] = secrets.token_hex(8)
    with stage(postes=passwords) as made:
        ids = {
            slug: postes.create(made.fleet, SYSTEM, postes.NewPoste(made.site_id, slug, slug))
            for slug in passwords
        }
        mqtt, database = mqtt_round_trips(made), transactions(made)
        floor50, floor99 = p50(mqtt) + p50(database), p99(mqtt) + p99(database)
        yield told("floor: MQTT round trip, p50", p50(mqtt), "ms")
        yield told("floor: MQTT round trip, p99", p99(mqtt), "ms")
        yield told("floor: transaction, p50", p50(database), "ms")
        yield told("floor: transaction, p99", p99(database), "ms")
        yield at_most("floor, p50 (else the run is void)", floor50, "ms", 2)
        made.controller()
        agents = {slug: passwords[slug] for slug in list(ids)[:POSTES]}
        kiosks = made.spawn("bench.kiosk_process", {"postes": agents, "folder": str(made.folder / "kiosks")})
        port = int(wait_said(kiosks, "port"))
        _wait_online(made, POSTES)
        unlocked = _typed(made, port, ids)
        yield times_at_most("code typed to unlocked, p50", p50(unlocked), "ms", floor50, 4)
        yield times_at_most("code typed to unlocked, p99", p99(unlocked), "ms", floor99, 5)
        added = asyncio.run(_added(made, port))
        yield times_at_most(
            "add_time by HTTP to acknowledged by the poste, p50", p50(added), "ms", floor50, 4
        )
        yield times_at_most(
            "add_time by HTTP to acknowledged by the poste, p99", p99(added), "ms", floor99, 5
        )
        gone = asyncio.run(_pulled(made, passwords))
        yield at_most("closed connection to the controller's word of it, worst", max(gone), "ms", 100)


def _wait_online(made: Stage, count: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if made.sql("SELECT count(*) FROM presence WHERE online AND phase = 'locked'")[0][0] >= count:
            time.sleep(1)
            return
        time.sleep(0.1)
    raise TimeoutError("the postes did not come online")


def _typed(made: Stage, port: int, ids: dict[str, int]) -> list[float]:
    """The milliseconds of each visitor from the last key to the unlocked machine."""
    taken, slugs = [], list(ids)[:POSTES]
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rw") as talk:
        for n in range(CODES + WARM_UP):
            slug = slugs[n % len(slugs)]
            new = sessions.create(made.fleet, SYSTEM, sessions.NewSession(made.site_id, 3600))
            time.sleep(PAUSE_S)
            talk.write(f"{slug} {new.code}\n")
            talk.flush()
            taken.append(float(talk.readline()))
            time.sleep(PAUSE_S)
            sessions.terminate(made.fleet, SYSTEM, new.session_id)
    if min(taken) < 0:
        raise RuntimeError("a code did not unlock its poste")
    return taken[WARM_UP:]


async def _added(made: Stage, port: int) -> list[float]:
    """The milliseconds from the operator's request to the poste's word that it has the time."""
    session = await _running(made, port)
    caller = await _operator(made)
    heard: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    wire = await _observe(made, heard)
    first = made.sql("SELECT rev FROM desired JOIN poste ON id = poste_id WHERE slug = 'poste-0'")[0][0]
    taken, path = [], f"/api/sessions/{session}/add_time"
    for n in range(CODES + WARM_UP):
        await asyncio.sleep(PAUSE_S)
        begun = time.perf_counter()
        await caller.post(path, {"seconds": 60 if n % 2 else -60})
        acknowledged, instant = 0, 0.0
        while acknowledged < first + n + 1:
            acknowledged, instant = await asyncio.wait_for(heard.get(), 5)
        taken.append((instant - begun) * 1000)
    wire.close()
    caller.close()
    return taken[WARM_UP:]


async def _running(made: Stage, port: int) -> int:
    """A session that runs at the first poste."""
    wanted = sessions.NewSession(made.site_id, 3600)
    new = await asyncio.to_thread(sessions.create, made.fleet, SYSTEM, wanted)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"poste-0 {new.code}\n".encode())
    await reader.readline()
    writer.close()
    return new.session_id


async def _operator(made: Stage) -> Caller:
    login, password, port = "bench", secrets.token_hex(16), free_port()
    operateurs.create(made.fleet, SYSTEM, operateurs.NewOperateur(login, password, ADMINISTRATEUR))
    api = made.spawn("bench.api_process", {"http_port": port})
    await asyncio.to_thread(wait_said, api, "serving")
    caller = Caller(port)
    await caller.open(login, password)
    return caller


async def _pulled(made: Stage, passwords: dict[str, str]) -> list[float]:
    """The milliseconds from the end of a connection to the news that the controller has noted it."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    following = loop.create_task(follow(made.fleet.database, lambda news: _noted(news, heard)))
    slug, taken = "cable", []
    for n in range(1, PULLS + 1):
        wire = Wire()
        will = messages.Status(online=False, boot="bench", connection=n, reason="lost")
        path = topics.STATUS.path(SITE, slug, made.broker.root)
        await wire.open(made.broker.postes_port, slug, passwords[slug], slug, will=(path, codec.encode(will)))
        await wire.published(
            path, codec.encode(messages.Status(online=True, boot="bench", connection=n)), retain=True
        )
        await asyncio.sleep(0.2)
        heard.clear()
        begun = time.perf_counter()
        wire.vanish()
        await asyncio.wait_for(heard.wait(), 5)
        taken.append((time.perf_counter() - begun) * 1000)
    following.cancel()
    return taken


def _noted(news: tuple[News, ...], heard: asyncio.Event) -> None:
    if any(one.topic == presence.PRESENCE for one in news):
        heard.set()


async def _observe(made: Stage, heard: asyncio.Queue[tuple[int, float]]) -> Wire:
    def receive(_topic: str, payload: bytes) -> None:
        now = time.perf_counter()
        with contextlib.suppress(codec.BadMessage):
            ack: messages.Ack = codec.decode(topics.ACK, payload)
            if ack.status == "done":
                heard.put_nowait((ack.rev, now))

    wire, account = Wire(receive), made.broker.observer
    await wire.open(made.broker.services_port, account.name, account.password, "bench-observer")
    await wire.subscribe(topics.ACK.path(SITE, "poste-0", made.broker.root))
    return wire
