"""Requests with the same key take turns, so that those who wait hold no thread and no connection."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from weakref import WeakValueDictionary

from fleet.usecases.once import Key


class Turns:
    """One per process; the database sees to the turns between processes."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, key: Key | None) -> AbstractAsyncContextManager[None]:
        """Wait here until nobody else of this process works for this key."""
        if key is None:
            return nullcontext()
        return self._locks.setdefault((key.owner, key.key), asyncio.Lock())
