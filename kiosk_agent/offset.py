"""How far the server's clock is from this machine's, learnt from requests and their replies.

Neither wall clock is trusted: the estimate only tells how long ago the server computed something.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

KEPT = 8
SLOWEST_MS = 5_000
"""A round trip slower than this says too little."""
STEP_MS = 500
"""Two samples that differ by more than their own errors and this tell of a stepped clock."""


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


@dataclass(frozen=True)
class Sample:
    """The server's clock less ours, and the round trip that bounds its error to half of it; both in ms."""

    offset: int
    round_trip: int


@dataclass
class Offset:
    """The estimate with the smallest round trip among the last ones."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=KEPT))

    def learn(self, sent_at: int, received_at: int, server_time: datetime) -> None:
        """Note what a reply tells, and forget the past if the server's clock was stepped."""
        round_trip = received_at - sent_at
        if round_trip > SLOWEST_MS:
            return
        sample = Sample(to_ms(server_time) - (sent_at + received_at) // 2, round_trip)
        best = self._best()
        if best and abs(best.offset - sample.offset) > (best.round_trip + round_trip) // 2 + STEP_MS:
            self.samples.clear()
        self.samples.append(sample)

    def age(self, instant: datetime, now: int) -> int | None:
        """How many ms ago the server's clock showed `instant`; None as long as nothing was learnt."""
        best = self._best()
        if best is None:
            return None
        return max(0, now + best.offset - to_ms(instant))

    @property
    def server_ms(self) -> int | None:
        """What the server's clock showed at 0 of ours, to the next whole second: for a clock on the wall."""
        best = self._best()
        return None if best is None else round(best.offset, -3)

    def _best(self) -> Sample | None:
        return min(self.samples, key=lambda sample: sample.round_trip, default=None)
