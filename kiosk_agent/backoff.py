"""Waiting longer after each failure, never in step with the other postes."""

from random import Random


class Backoff:
    """Waits that double from `first` to `longest`, each lengthened at random by up to a quarter."""

    def __init__(self, first: int, longest: int, rng: Random) -> None:
        self._first = first
        self._longest = longest
        self._rng = rng
        self._tries = 0

    def next(self) -> int:
        """The next wait, in the unit of `first`."""
        wait = min(self._longest, self._first << min(self._tries, 20))
        self._tries += 1
        return wait + int(wait * self._rng.uniform(0, 0.25))

    def reset(self) -> None:
        self._tries = 0
