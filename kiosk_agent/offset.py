"""How far the server's clock is from this machine's, learnt from requests and their replies.

Neither wall clock is trusted: the estimate only tells how long ago the server computed something.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

KEPT = 8
SLOWEST_MS = 5_000
"""A round trip slower than this says too little."""
DOUBT_MS = 100
"""How long before the end of a round trip the server may have read its clock, at most, for the estimate.

A question that lay somewhere, or had to be repeated, was answered at its end. Whoever takes the middle of those
seconds takes them from a visitor, for good: the poste counts alone.
"""
STEP_MS = 500
"""Two samples that differ by more than their own errors and this tell of a stepped clock."""


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


@dataclass(frozen=True)
class Sample:
    """Between what bounds a reply says that the server's clock less ours is, in ms."""

    low: int
    high: int


@dataclass
class Offset:
    """The narrowest bounds that the last samples leave together."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=KEPT))

    def learn(self, sent_at: int, received_at: int, server_time: datetime) -> None:
        """Note what a reply tells, and forget the past if the server's clock was stepped."""
        if received_at - sent_at > SLOWEST_MS:
            return
        sample = Sample(to_ms(server_time) - received_at, to_ms(server_time) - sent_at)
        if any(sample.low > one.high + STEP_MS or sample.high < one.low - STEP_MS for one in self.samples):
            self.samples.clear()
        self.samples.append(sample)

    def age(self, instant: datetime, now: int) -> int | None:
        """How many ms ago the server's clock showed `instant`; None as long as nothing was learnt."""
        offset = self._estimate()
        return None if offset is None else max(0, now + offset - to_ms(instant))

    @property
    def server_ms(self) -> int | None:
        """What the server's clock showed at 0 of ours, to the next whole second: for a clock on the wall."""
        offset = self._estimate()
        return None if offset is None else round(offset, -3)

    def _estimate(self) -> int | None:
        if not self.samples:
            return None
        low, high = max(one.low for one in self.samples), min(one.high for one in self.samples)
        return low + min(max(0, high - low) // 2, DOUBT_MS)
