"""A bare HTTP client that keeps its connection: what a request costs is the server's."""

import asyncio
import json
from typing import Any


class Caller:
    """One connection to the API, and the token of whoever calls."""

    def __init__(self, port: int) -> None:
        self._port, self._token = port, ""

    async def open(self, login: str, password: str) -> None:
        """Connect and log in."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        pair = await self.post("/api/token", {"login": login, "password": password})
        self._token = pair["access"]

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a request. Raises RuntimeError for another status than success."""
        payload = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {self._token}\r\n" if self._token else ""
        self._writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = next(int(line[15:]) for line in answer.split("\r\n") if line.startswith("content-length:"))
        told = await self._reader.readexactly(size)
        if answer.split(" ", 2)[1][0] != "2":
            raise RuntimeError(f"{path}: {answer.splitlines()[0]} {told[:200]!r}")
        return json.loads(told) if told else None

    def close(self) -> None:
        self._writer.close()
