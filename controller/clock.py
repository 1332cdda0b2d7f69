"""The database's clock, read without asking the database.

Deadlines are instants of the database's clock; the offset between it and this machine's boot clock, which goes on
while the machine sleeps, is measured at each renewal of the leases. A step of the database's clock shows as a jump
of that offset.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STEP_S = 2.0
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boottime() -> float:
    """Seconds since this machine started, sleep included."""
    return time.clock_gettime(_BOOTTIME)


@dataclass
class DatabaseClock:
    """What the database's clock shows, estimated from its last reading."""

    _epoch: float | None = None

    def sample(self, before: float, database_now: datetime, after: float) -> float:
        """Take a reading made between two instants of the boot clock. Gives the step since the last, or 0."""
        epoch = database_now.timestamp() - (before + after) / 2
        if self._epoch is None:
            self._epoch = epoch
            return 0.0
        step = epoch - self._epoch
        if abs(step) > STEP_S + (after - before):
            self._epoch = epoch
            return step
        # A slow answer says little about the clock: take small differences in slowly.
        self._epoch += step * (0.5 if after - before < 0.05 else 0.05)
        return 0.0

    def now(self) -> datetime:
        """The instant that the database's clock shows."""
        return datetime.fromtimestamp((self._epoch or 0.0) + boottime(), UTC)

    def until(self, instant: datetime) -> float:
        """The seconds until an instant; negative when it has passed."""
        return (instant - self.now()) / timedelta(seconds=1)
