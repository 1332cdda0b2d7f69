"""A bare aiomqtt subscriber: what a heartbeat costs when nothing is done with it.

`python -m bench.baseline_subscriber FILE`. It answers the publisher's markers, and does nothing else.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

from aiomqtt import Client

from bench.seed import path


async def _run(told: dict[str, Any]) -> None:
    name, password = told["controller"]
    async with Client(
        "127.0.0.1",
        told["services_port"],
        username=name,
        password=password,
        identifier="bench-bare",
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    ) as client:
        tree = f"{told['root']}/v1/{told['site']}/+/up"
        await client.subscribe([(f"{tree}/heartbeat", 1), (f"{tree}/request", 1)])
        print("driving", flush=True)
        reply = path(1, "down/reply", told["root"])
        answers: set[asyncio.Task[None]] = set()
        async for message in client.messages:
            if message.qos:
                answers.add(asyncio.create_task(client.publish(reply, message.payload, 1)))


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
