"""The database's clock, read without asking the database.

Deadlines are instants of the database's clock; the offset between it and this machine's boot clock, which goes on
while the machine sleeps, is measured at each renewal of the leases. A step of the database's clock shows as a jump
of that offset.
"""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STEP_S = 2.0
"""What is no more taken for one clock that was corrected by little."""
NARROW_S = 0.5
"""How long a reading may take that tells by how much the clock was set: half of it may be wrong."""
DRIFT = 1e-3
"""How fast the two clocks may drift apart, at most: a clock that is being corrected runs by 0.5 in 1,000 too fast."""
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boottime() -> float:
    """Seconds since this machine started, sleep included."""
    return time.clock_gettime(_BOOTTIME)


@dataclass
class DatabaseClock:
    """What the database's clock shows: each reading says between which bounds, and the narrowest of them count.

    A reading that took long says little and spoils nothing; the bounds widen by what two clocks drift apart.
    """

    _low: float = -math.inf
    _high: float = math.inf
    _read_at: float = 0.0

    def sample(self, before: float, database_now: datetime, after: float) -> float:
        """Take a reading made between two instants of the boot clock. Gives the step since the last, or 0."""
        low, high = database_now.timestamp() - after, database_now.timestamp() - before
        drift = DRIFT * (after - self._read_at)
        if low <= self._high + drift and high >= self._low - drift:
            self._low, self._high = max(low, self._low - drift), min(high, self._high + drift)
            self._read_at = after
            return 0.0
        if after - before > NARROW_S:
            return 0.0  # it was set, and a quicker reading will tell by how much
        # By little or by much. What lies between the bounds is proven, their middles are guessed.
        self._read_at = after
        proven, known = max(low - self._high, self._low - high), self._epoch
        self._low, self._high = low, high
        return self._epoch - known if proven > STEP_S else 0.0

    @property
    def is_known(self) -> bool:
        """Whether it was read at all: `now` means nothing before."""
        return self._low > -math.inf

    @property
    def _epoch(self) -> float:
        return (self._low + self._high) / 2 if self.is_known else 0.0

    def now(self) -> datetime:
        """The instant that the database's clock shows."""
        return datetime.fromtimestamp(self._epoch + boottime(), UTC)

    def until(self, instant: datetime) -> float:
        """The seconds until an instant; negative when it has passed."""
        return (instant - self.now()) / timedelta(seconds=1)
