"""A TCP link in the way of a test: to cut, to freeze, to slow down."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

T = TypeVar("T")
_CHUNK = 65_536


class Proxy:
    """Listens on `port` of the loopback and passes everything to `target`; a context manager.

    It runs in a thread of its own: every method may be called from any thread, and returns when done.
    """

    host = "127.0.0.1"

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.port = 0
        self._target = (target_host, target_port)
        self._delay_s = 0.0
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._open.set()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def links(self) -> int:
        """How many connections pass now."""
        return len(self._links)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do(self._cut())

    def heal(self) -> None:
        """Accept again after `cut`."""
        self._do(self._listen())

    def drop(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._do(self._drop())

    def freeze(self) -> None:
        """Pass nothing more, in silence, as a pulled cable does."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def thaw(self) -> None:
        """Pass what was held back, and what comes."""
        self._loop.call_soon_threadsafe(self._open.set)

    def delay(self, seconds: float) -> None:
        """Hold every byte back for so long, each way."""
        self._delay_s = seconds

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()

    async def _drop(self) -> None:
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self._loop.create_task(self._pass(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            ends.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass  # one end went away: so does the other
        finally:
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        pouring = asyncio.create_task(self._pour(held, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                held.put_nowait((self._loop.time() + self._delay_s, chunk))
            await held.join()
        finally:
            pouring.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await pouring
        raise ConnectionResetError  # an end of file ends both ways

    async def _pour(self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await held.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._open.wait()
            writer.write(chunk)
            await writer.drain()
            held.task_done()
