"""A publisher of heartbeats that is never waited for, in a process of its own: `python -m bench.beats_process FILE`.

It publishes in chunks for all postes in turn. After each chunk one of them asks something; the answer tells that
the subscriber has taken all before it, so that what is counted was taken and not only sent. A few chunks are under
way at any time: the subscriber always has something to read, and the broker's queue stays short.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.mqtt import Wire, publication
from bench.seed import BOOT, path
from protocol import codec, messages, topics

CHUNK = 1_000
UNDER_WAY = 8
_PATIENCE_S = 20


async def _run(told: dict[str, Any]) -> None:
    answered = asyncio.Event()
    taken = 0

    def receive(_topic: str, _payload: bytes) -> None:
        nonlocal taken
        taken += CHUNK
        answered.set()

    wire = Wire(receive)
    name, password = told["controller"]
    await wire.open(told["services_port"], name, password, "bench-beats")
    await wire.subscribe(f"{told['root']}/v1/{told['site']}/+/down/reply")
    chunks = _chunks(told["count"], told["root"])
    begun, sent = time.perf_counter(), 0
    until = begun + told["seconds"]
    while time.perf_counter() < until or taken < sent:
        if time.perf_counter() < until and sent - taken < UNDER_WAY * CHUNK:
            number = sent // CHUNK
            wire.write(chunks[number % len(chunks)] + _marker(number, told["count"], told["root"]))
            sent += CHUNK
            await asyncio.sleep(0)
        else:
            answered.clear()
            await asyncio.wait_for(answered.wait(), _PATIENCE_S)
    print("rate", taken / (time.perf_counter() - begun), taken, flush=True)
    wire.close()


def _chunks(count: int, root: str) -> list[bytes]:
    numbers = range(1, max(count, CHUNK) + 1)
    packets = [_beat((n - 1) % count + 1, root) for n in numbers]
    return [b"".join(packets[at : at + CHUNK]) for at in range(0, len(packets), CHUNK)]


def _beat(number: int, root: str) -> bytes:
    beat = messages.Heartbeat(
        boot=BOOT, term=1, rev=1, phase="active", remaining_ms=3_600_000 + number, idle_s=7, load=0.25
    )
    return publication(path(number, topics.HEARTBEAT.name, root), codec.encode(beat))


def _marker(number: int, count: int, root: str) -> bytes:
    poste = number % count + 1
    asked = messages.Resync(
        id=f"m{number}", nonce=f"m{number}", boot=BOOT, term=1, rev=1, phase="active", session=str(poste)
    )
    return publication(
        path(poste, topics.REQUEST.name, root), codec.encode(asked), number=number % 60_000 + 1
    )


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
