"""Requests without pause over a few connections, each answer looked at: `python -m bench.load_process FILE`.

A connection that the server closes after its answer is opened anew, and that time is the request's.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import uvloop

_GIVE_UP_S = 30.0


class Load:
    """What is asked, and what came of it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.port: int = told["port"]
        self._told = told
        self._numbers = count(told["first"])
        self._status = str(told["status"]).encode()
        self.measuring = self.over = False
        self.taken: list[float] = []
        self.wrong = ""

    def requests(self) -> Iterator[bytes]:
        """One request after the other, each about the next of the ids."""
        told = self._told
        body = json.dumps(told["body"]).encode() if told["body"] else b""
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {told['token']}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        before, _, after = told["path"].partition("{id}")
        end = f"{after} HTTP/1.1\r\n{head}\r\n".encode() + body
        for number in self._numbers:
            which = number % told["ids"] + 1 if "{id}" in told["path"] else ""
            yield f"{told['method']} {before}{which}".encode() + end

    def note(self, status: bytes, begun: float, answer: bytes) -> None:
        """An answer was whole."""
        if status != self._status:
            self.wrong, self.over = self.wrong or answer[:500].decode(errors="replace"), True
        elif self.measuring:
            self.taken.append((time.perf_counter() - begun) * 1000)


class Line(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: Load, requests: Iterator[bytes]) -> None:
        self._load, self._requests = load, requests
        self._transport: asyncio.Transport | None = None
        self._answer, self._missing, self._begun = b"", -1, time.perf_counter()
        self._closes = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Connect, and begin. Raises OSError."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._load.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._missing < 0:
            self._read_head()
        if self._missing >= 0 and len(self._answer) >= self._missing:
            self._next()

    def _read_head(self) -> None:
        head, found, _ = self._answer.partition(b"\r\n\r\n")
        if found:
            _, _, rest = head.lower().partition(b"content-length:")
            if not rest:
                raise ValueError("an answer without a length")
            self._missing = len(head) + 4 + int(rest.partition(b"\r\n")[0])
            self._closes = b"connection: close" in head.lower()

    def _next(self) -> None:
        assert self._transport is not None
        self._load.note(self._answer[9:12], self._begun, self._answer)
        self._answer, self._missing, self._begun = b"", -1, time.perf_counter()
        if self._load.over or self._closes:
            self._transport.close()
        else:
            self._transport.write(next(self._requests))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self._answer:
            self._load.wrong, self._load.over = f"the connection was cut: {exc}", True
        if not self.done.done():
            self.done.set_result(None)


async def _one_of_many(load: Load, requests: Iterator[bytes]) -> None:
    while not load.over:
        line = Line(load, requests)
        await line.open()
        await line.done


async def _measure(told: dict[str, Any]) -> dict[str, Any]:
    load = Load(told)
    requests = load.requests()
    lines = [asyncio.create_task(_one_of_many(load, requests)) for _ in range(told["connections"])]
    await asyncio.sleep(told["warm_up_s"])
    load.measuring, begun = True, time.perf_counter()
    await asyncio.sleep(told["seconds"])
    load.measuring, seconds = False, time.perf_counter() - begun
    load.over = True
    await asyncio.wait_for(asyncio.gather(*lines), _GIVE_UP_S)
    return {"wrong": load.wrong, "seconds": seconds, "taken": load.taken}


if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[1]).read_text())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print("measured", json.dumps(runner.run(_measure(settings))), flush=True)
