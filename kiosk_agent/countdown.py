"""The time that a visitor has left: a deadline on the poste's own clock, never a counter."""

from collections.abc import Sequence

from msgspec import Struct, structs


class Countdown(Struct, frozen=True):
    """A deadline, the grace after it, and the warnings still to give, in ms and s of the boot clock."""

    deadline: int
    grace_ms: int
    pending: tuple[int, ...]

    @classmethod
    def begin(cls, now: int, remaining_ms: int, grace_ms: int, warnings: Sequence[int]) -> "Countdown":
        """A countdown from now. A warning whose moment has passed already is not given."""
        due_later = {left for left in warnings if 0 < left * 1000 < remaining_ms}
        return cls(now + remaining_ms, grace_ms, tuple(sorted(due_later, reverse=True)))

    @property
    def end(self) -> int:
        """When the machine locks: the end of the grace."""
        return self.deadline + self.grace_ms

    def remaining(self, now: int) -> int:
        """Milliseconds to the deadline, 0 once it has passed."""
        return max(0, self.deadline - now)

    def grace_left(self, now: int) -> int:
        """Milliseconds to the end of the grace; all of it before the deadline."""
        return max(0, min(self.grace_ms, self.end - now))

    def in_grace(self, now: int) -> bool:
        return self.deadline <= now < self.end

    def over(self, now: int) -> bool:
        return now >= self.end

    def due(self, now: int) -> tuple[int, ...]:
        """The warnings whose moment has come, the earliest first."""
        return tuple(left for left in self.pending if self.deadline - left * 1000 <= now)

    def warned(self, now: int) -> "Countdown":
        """The same countdown once its due warnings were given."""
        due = self.due(now)
        return structs.replace(self, pending=self.pending[len(due) :])

    def postponed(self, by_ms: int) -> "Countdown":
        """The same countdown after a time that is not to count."""
        return structs.replace(self, deadline=self.deadline + by_ms)

    def next_wake(self, now: int) -> int:
        """The next moment at which something happens: a warning, the deadline or the end."""
        moments = [self.deadline - left * 1000 for left in self.pending]
        moments += [self.deadline, self.end]
        return min((moment for moment in moments if moment > now), default=now)
