"""Where use cases run: in threads of our own, each opening, committing and closing its transaction itself."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_HASHING = 2


class Work:
    """The threads of one API process. Passwords have their own few: a hash takes a tenth of a second."""

    def __init__(self, threads: int) -> None:
        self._usecases = ThreadPoolExecutor(threads, "api")
        self._hashing = ThreadPoolExecutor(_HASHING, "api-password")

    async def run(self, work: Callable[[], T]) -> T:
        """Do this in a thread."""
        within = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._usecases, within, work)

    async def hash(self, work: Callable[[], T]) -> T:
        """The same for what hashes a password."""
        return await asyncio.get_running_loop().run_in_executor(self._hashing, work)

    def close(self) -> None:
        """Let running work finish and give the threads back."""
        self._usecases.shutdown()
        self._hashing.shutdown()
