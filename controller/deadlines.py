"""Exact wake-ups: a heap of deadlines and one timer for the earliest. Nothing polls.

A deadline that moves is pushed again; what is on top but no longer true is dropped when it comes up.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from heapq import heapify, heappop, heappush

from controller.clock import DatabaseClock
from fleet.database.outbox import Wanted


class Deadlines:
    """Which sessions need somebody to act on them, and when."""

    def __init__(self, clock: DatabaseClock) -> None:
        self._clock = clock
        self._due: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []
        self._changed = asyncio.Event()
        self._meanwhile: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def remember(self) -> None:
        """Keep in mind what is armed from now on: `fill` will be given what was true now."""
        self._meanwhile = {}

    def fill(self, armed: Iterable[tuple[int, datetime]]) -> None:
        """Take these instead of all that was armed before `remember`."""
        self._due = {session: instant.timestamp() for session, instant in armed} | self._meanwhile
        self._heap = [(instant, session) for session, instant in self._due.items()]
        heapify(self._heap)
        self._changed.set()

    def arm(self, session: int, instant: datetime | None) -> None:
        """Wake for a session at an instant; None: not any more."""
        if instant is None:
            self._due.pop(session, None)
            return
        due = instant.timestamp()
        if self._due.get(session) == due:
            return
        self._due[session] = self._meanwhile[session] = due
        heappush(self._heap, (due, session))
        if self._heap[0][0] == due:
            self._changed.set()

    def follow(self, wanted: Iterable[Wanted]) -> None:
        """Wake at the deadlines of these postes' sessions."""
        for one in wanted:
            if one.session is not None:
                self.arm(one.session.id, one.session.due_at(one.grace_s))

    def take(self, most: int) -> list[int]:
        """The sessions whose time has come, at most so many. They are armed no more."""
        now = self._clock.now().timestamp()
        taken: list[int] = []
        while self._heap and self._heap[0][0] <= now and len(taken) < most:
            due, session = heappop(self._heap)
            if self._due.get(session) == due:
                del self._due[session]
                taken.append(session)
        return taken

    async def wait(self) -> None:
        """Return when the earliest deadline has come."""
        while True:
            self._changed.clear()
            while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
                heappop(self._heap)
            left = self._heap[0][0] - self._clock.now().timestamp() if self._heap else None
            if left is not None and left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return
