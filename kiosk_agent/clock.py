"""The clock of a poste: milliseconds since the machine started, time asleep included."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the agent reads the time. Tests turn one by hand."""

    def now(self) -> int:
        """Milliseconds since the start of the machine. Never goes back, runs on while the machine sleeps."""


class BootClock:
    """CLOCK_BOOTTIME, which Linux has and which runs on while the machine sleeps.

    Elsewhere the monotonic clock stands in. It counts sleep on Windows; on macOS it stops, and a machine that
    sleeps in mid-session gives that time to its visitor.
    """

    def __init__(self) -> None:
        self._id: int | None = getattr(time, "CLOCK_BOOTTIME", None)

    def now(self) -> int:
        ns = time.monotonic_ns() if self._id is None else time.clock_gettime_ns(self._id)
        return ns // 1_000_000
