"""Wrong codes at one poste: five tries, then 30 s, doubling to 15 minutes. Other postes are not concerned."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_TRIES = 5
FIRST_WAIT_S = 30
LONGEST_WAIT_S = 900
FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Tries:
    """The wrong codes in a row at one poste, the last of them, and until when it must wait."""

    failures: int = 0
    last_at: datetime | None = None
    blocked_until: datetime | None = None

    def wait_s(self, now: datetime) -> int:
        """How long the next try must wait, in whole seconds; 0 when it may come."""
        if self.blocked_until is None or self.blocked_until <= now:
            return 0
        return -(-(self.blocked_until - now) // timedelta(seconds=1))


def failed(tries: Tries, now: datetime) -> Tries:
    """One more wrong code."""
    fresh = tries.last_at is not None and now - tries.last_at < FORGET_AFTER
    failures = (tries.failures if fresh else 0) + 1
    blocked = None
    if failures >= FREE_TRIES:
        wait = min(FIRST_WAIT_S * 2 ** (failures - FREE_TRIES), LONGEST_WAIT_S)
        blocked = now + timedelta(seconds=wait)
    return Tries(failures, now, blocked)
