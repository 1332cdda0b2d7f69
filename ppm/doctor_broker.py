"""What the doctor learns by talking to the broker."""

import asyncio
import socket
import statistics
import time
import uuid

import aiomqtt

from controller.link import tls_context
from ppm import addresses
from ppm import settings as table
from ppm.doctor import Finding, State
from ppm.setting_values import Settings
from protocol.version import MAJOR

ROUND_TRIP_MS = 20.0
"""Delayed acknowledgements show as 40 ms or more; a busy machine alone takes 10."""
_ROUNDS = 41
_MOSQUITTO = (2, 0)


async def talk(settings: Settings) -> list[Finding]:
    """Log in, send oneself messages, and say how that went. Raises SettingError."""
    address = addresses.for_services(settings)
    topic = f"{settings[table.MQTT_ROOT]}/v{MAJOR}/_doctor/{uuid.uuid4().hex[:8]}"
    remedy = "check the account in PPM_BROKER_URL, PPM_BROKER_PASSWORD and the files of TLS"
    try:
        async with aiomqtt.Client(
            address.host, address.port, username=address.username, password=address.password,
            tls_context=tls_context(address) if address.tls else None, timeout=5,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        ) as client:  # fmt: skip
            await client.subscribe("$SYS/broker/version", qos=0)
            # An echo at QoS 0 answers nothing, so that the delayed acknowledgement of a slow broker shows.
            await client.subscribe(topic, qos=0)
            return await _rounds(client, topic)
    except (aiomqtt.MqttError, OSError) as error:
        return [Finding("account", "failed", f"{address.username or 'nobody'}: {error}", remedy)]


async def _rounds(client: aiomqtt.Client, topic: str) -> list[Finding]:
    findings, took = [Finding("account", "ok", "let in")], []
    arrivals: asyncio.Queue[str] = asyncio.Queue()

    async def hear() -> None:
        async for message in client.messages:
            if str(message.topic).startswith("$SYS"):
                findings.append(_mosquitto(bytes(message.payload).decode(errors="replace")))
            else:
                arrivals.put_nowait(str(message.topic))

    hearing = asyncio.create_task(hear())
    try:
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            await client.publish(topic, b"?", qos=1)
            async with asyncio.timeout(3):
                await arrivals.get()
            took.append((time.perf_counter() - began) * 1000)
    except TimeoutError:
        what = "this account reads nothing of what it writes: the round trip is not measured"
        return [*findings, Finding("round trip", "absent", what)]
    finally:
        hearing.cancel()
    return [*findings, _speed(statistics.median(took))]


def _mosquitto(said: str) -> Finding:
    words = said.removeprefix("mosquitto version ").split(".")
    known = said.startswith("mosquitto version ") and all(word.isdigit() for word in words[:2])
    new_enough = not known or tuple(map(int, words[:2])) >= _MOSQUITTO
    return Finding("mosquitto", "ok" if new_enough else "failed", said, "install Mosquitto 2.0 or newer")


def _speed(p50_ms: float) -> Finding:
    state: State = "ok" if p50_ms < ROUND_TRIP_MS else "failed"
    remedy = "put `set_tcp_nodelay true` into the broker's configuration, or bring it nearer"
    return Finding("round trip", state, f"p50 {p50_ms:.2f} ms at QoS 1", remedy)
