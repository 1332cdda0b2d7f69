"""What the parts alone can do: one MQTT round trip and one small transaction, with nothing of ours between."""

import asyncio
import socket
import time

from aiomqtt import Client

from bench.stage import Stage, connect

ROUNDS = 600
WARM_UP = 60
_TOPIC = "ppm/v1/floor/poste/up/ack"

_SETUP = """
CREATE TABLE floor_state (id bigint PRIMARY KEY, rev bigint NOT NULL);
CREATE TABLE floor_line (id bigserial PRIMARY KEY, state_id bigint NOT NULL, what text NOT NULL);
INSERT INTO floor_state SELECT n, 0 FROM generate_series(1, 1000) n;
"""


def mqtt_round_trips(stage: Stage) -> list[float]:
    """The milliseconds from publishing at QoS 1 to receiving the same message, by aiomqtt with TCP_NODELAY."""
    return asyncio.run(_round_trips(stage))


async def _round_trips(stage: Stage) -> list[float]:
    account, taken = stage.broker.controller, []
    async with Client(
        "127.0.0.1",
        stage.broker.services_port,
        username=account.name,
        password=account.password,
        identifier="bench-floor",
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    ) as client:
        await client.subscribe(_TOPIC, 1)
        messages = aiter(client.messages)
        for _ in range(ROUNDS + WARM_UP):
            begun = time.perf_counter()
            publishing = asyncio.create_task(client.publish(_TOPIC, bytes(200), 1))
            await anext(messages)
            await publishing
            taken.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.002)
    return taken[WARM_UP:]


def transactions(stage: Stage) -> list[float]:
    """The milliseconds of a durable transaction of 1 UPDATE and 3 INSERTs, by psycopg2."""
    taken, connection = [], connect(stage)
    with connection.cursor() as cursor:
        cursor.execute(_SETUP)
        connection.commit()
        for n in range(ROUNDS + WARM_UP):
            key = n % 1000 + 1
            begun = time.perf_counter()
            cursor.execute("UPDATE floor_state SET rev = rev + 1 WHERE id = %s", (key,))
            for what in ("state", "audit", "outbox"):
                cursor.execute("INSERT INTO floor_line (state_id, what) VALUES (%s, %s)", (key, what))
            connection.commit()
            taken.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.002)
    connection.close()
    return taken[WARM_UP:]
