"""What holds a simulated poste still, or keeps it off the network."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager


class HeldLoop:
    """The event loop as one agent sees it. While held, nothing of that agent runs: a frozen process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._readers: dict[int, Callable[[], object]] = {}
        self._writers: dict[int, Callable[[], object]] = {}
        self._overdue: list[Callable[[], object]] = []
        self._open = asyncio.Event()
        self._open.set()

    @property
    def held(self) -> bool:
        return not self._open.is_set()

    def hold(self) -> None:
        """Freeze. Sockets stay open, unread."""
        self._open.clear()
        for fd in self._readers:
            self._loop.remove_reader(fd)
        for fd in self._writers:
            self._loop.remove_writer(fd)

    def release(self) -> None:
        """Thaw: what became due meanwhile runs now, late."""
        if not self.held:
            return
        self._open.set()
        overdue, self._overdue = self._overdue, []
        for callback in overdue:
            self._loop.call_soon(callback)
        for fd, callback in self._readers.items():
            self._loop.add_reader(fd, callback)
        for fd, callback in self._writers.items():
            self._loop.add_writer(fd, callback)

    async def thawed(self) -> None:
        await self._open.wait()

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.Handle:
        return self._loop.call_later(delay, self._run, callback)

    def _run(self, callback: Callable[[], object]) -> None:
        if self.held:
            self._overdue.append(callback)
        else:
            callback()

    def add_reader(self, fd: int, callback: Callable[[], object]) -> None:
        self._readers[fd] = callback
        if not self.held:
            self._loop.add_reader(fd, callback)

    def remove_reader(self, fd: int) -> bool:
        self._readers.pop(fd, None)
        return self._loop.remove_reader(fd)

    def add_writer(self, fd: int, callback: Callable[[], object]) -> None:
        self._writers[fd] = callback
        if not self.held:
            self._loop.add_writer(fd, callback)

    def remove_writer(self, fd: int) -> bool:
        self._writers.pop(fd, None)
        return self._loop.remove_writer(fd)


class Cable(AbstractAsyncContextManager[None]):
    """The way to the network: to be passed to connect, shut while the cable is out."""

    def __init__(self, connects: asyncio.Semaphore) -> None:
        self._connects = connects
        self._plugged = asyncio.Event()
        self._plugged.set()

    def pull(self) -> None:
        self._plugged.clear()

    def plug(self) -> None:
        self._plugged.set()

    async def __aenter__(self) -> None:
        await self._plugged.wait()
        await self._connects.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._connects.release()
