"""A local socket by another name: where a system has named pipes, threads carry them into the loop.

`Pipes` is what the system gives; asyncio's own pipes take no rules about who may connect, and tell nobody.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Any, Protocol

from kiosk_agent.local.peer import Peer

log = logging.getLogger(__name__)


class PipeEnd(Protocol):
    """One connection, ours of its two ends. Each call may block but `close`; each may raise OSError."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end, as the system tells it."""

    def read(self) -> bytes:
        """What came, nothing at the end."""

    def write(self, data: bytes) -> None:
        """All of it."""

    def close(self) -> None:
        """A read and a write that wait end with it."""


class Pipes(Protocol):
    """A name that others connect to."""

    def accept(self) -> PipeEnd | None:
        """The next who connects; None once it was closed. Raises OSError."""

    def close(self) -> None:
        """Nobody connects any more."""


class PipeTransport(asyncio.Transport):
    """One connection as the loop knows them: a thread reads, another one writes."""

    def __init__(self, end: PipeEnd, protocol: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peer": end.peer})
        self._end = end
        self._protocol = protocol
        self._loop = loop
        self._closing = False
        self._behind = 0
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()

    def begin(self) -> None:
        """From the loop, once."""
        self._protocol.connection_made(self)
        for work in (self._read, self._write):
            threading.Thread(target=work, name="pipe", daemon=True).start()

    def write(self, data: Any) -> None:
        if not self._closing:
            self._behind += len(data)
            self._queue.put(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self._behind

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """What was written before still leaves."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)

    def abort(self) -> None:
        self._closing = True
        self._end.close()
        self._queue.put(None)

    # -------------------------------------------------------------- the threads

    def _read(self) -> None:
        try:
            while data := self._end.read():
                self._tell(self._heard, data)
        except OSError as error:
            log.info("pipe_ended", extra={"reason": str(error)})
        self._tell(self._lost)

    def _write(self) -> None:
        try:
            while (data := self._queue.get()) is not None:
                self._end.write(data)
                self._tell(self._sent, len(data))
        except OSError as error:
            log.info("pipe_ended", extra={"reason": str(error)})
        self._end.close()

    def _tell(self, what: Callable[..., None], *args: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *args)

    def _heard(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _sent(self, count: int) -> None:
        self._behind -= count

    def _lost(self) -> None:
        self.abort()
        self._protocol.connection_lost(None)


@asynccontextmanager
async def served(pipes: Pipes, made: Callable[[], asyncio.Protocol]) -> AsyncIterator[None]:
    """Take in whoever connects, until left."""
    loop = asyncio.get_running_loop()

    def began(end: PipeEnd) -> None:
        PipeTransport(end, made(), loop).begin()

    def accept() -> None:
        try:
            while (end := pipes.accept()) is not None:
                loop.call_soon_threadsafe(began, end)
        except OSError as error:
            log.error("pipe_failed", extra={"reason": str(error)})

    accepting = threading.Thread(target=accept, name="pipes", daemon=True)
    accepting.start()
    try:
        yield
    finally:
        pipes.close()
        await asyncio.to_thread(accepting.join, 2)
