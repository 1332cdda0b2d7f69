"""Which events postes may forget: those that are kept, up to the first that could not be."""

from collections import Counter

from protocol.messages import Event

TRIES = 5
"""An event that failed so often fails for ever: it is given up, so that it does not hold up those after it."""
Place = tuple[str, str]


class Unkept:
    """The events that could not be kept, by poste and boot: noting a higher number would lose them."""

    def __init__(self) -> None:
        self._failures: dict[Place, Counter[int]] = {}

    def failed(self, slug: str, event: Event) -> bool:
        """It could not be kept once more. True when it is to be given up."""
        tries = self._failures.setdefault((slug, event.boot), Counter())
        tries[event.n] += 1
        return tries[event.n] >= TRIES

    def settled(self, slug: str, event: Event) -> None:
        """It is kept, or given up."""
        tries = self._failures.get((slug, event.boot))
        if tries is not None:
            tries.pop(event.n, None)
            if not tries:
                del self._failures[slug, event.boot]

    def notable(self, slug: str, event: Event) -> bool:
        """Whether everything up to this one may be noted, as far as is known here."""
        tries = self._failures.get((slug, event.boot))
        return tries is None or event.n < min(tries)
