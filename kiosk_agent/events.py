"""What happened here, numbered and kept until the controller noted it."""

from random import Random

from msgspec import structs

from kiosk_agent.backoff import Backoff
from kiosk_agent.memory import Happened
from protocol.messages import Event, Noted

FIRST_MS, LONGEST_MS = 5_000, 60_000
"""When what nobody noted is told again, the first time and at most."""
AGAIN_MS = 1_000
"""When another controller is told what is kept, at the soonest; the postes of a site are spread over as long again.
Longer than it takes to note what it heard before; with the 7 s of a lease, well within the 10 s promised."""
KEPT = 500
"""How many events are kept while nobody notes them; the oldest go first."""
BURST = 20
"""How many are told at once; the next ones once these are noted."""


class Events:
    """The events of this boot and of earlier ones that the controller has not noted.

    They are told in order from the oldest, and nothing newer is told before those on their way are noted: what
    is noted up to a number can then never take along one that was lost on its way.
    """

    def __init__(self, boot: str, kept: list[Happened], last: int, rng: Random) -> None:
        self.boot = boot
        self.kept = kept[-KEPT:]
        self.last = last
        self.dropped = 0
        self._rng = rng
        self._backoff = Backoff(FIRST_MS, LONGEST_MS, rng)
        self.next_at: int | None = None
        self._linked = False
        self._on_their_way = 0

    def add(self, event: Event, now: int) -> Happened:
        """Number an event of now and keep it."""
        self.last += 1
        happened = Happened(now, structs.replace(event, n=self.last, boot=self.boot))
        self.kept.append(happened)
        if len(self.kept) > KEPT:
            del self.kept[0]
            self.dropped += 1
            self._on_their_way = max(0, self._on_their_way - 1)
        self._go_on(now)
        return happened

    def noted(self, noted: Noted, now: int) -> bool:
        """Forget what was noted of those on their way. True if there was anything."""
        told, waiting = self.kept[: self._on_their_way], self.kept[self._on_their_way :]
        left = [one for one in told if one.event.boot != noted.boot or one.event.n > noted.n]
        if len(left) == len(told):
            return False
        self.kept, self._on_their_way = left + waiting, len(left)
        self._backoff.reset()
        self._go_on(now)
        return True

    def take_due(self, now: int) -> list[Event]:
        """The oldest events, with their age, if they are to be told now; they count as told."""
        if self.next_at is None or self.next_at > now:
            return []
        self._on_their_way = min(BURST, len(self.kept))
        self.next_at = now + self._backoff.next() if self.kept else None
        told = self.kept[: self._on_their_way]
        return [structs.replace(one.event, age_ms=self._age(one, now)) for one in told]

    def tell_again(self, now: int) -> None:
        """Another controller listens: it may have heard only the end of what is on its way, and note all of it.

        Nothing counts as told until it is told again, a while after that.
        """
        self._on_their_way = 0
        self.next_at = now + AGAIN_MS + int(self._rng.uniform(0, AGAIN_MS)) if self.kept else None

    def link_up(self, now: int) -> None:
        self._linked, self._on_their_way = True, 0
        self._go_on(now)

    def link_down(self) -> None:
        """Say nothing until it is back."""
        self._linked, self.next_at = False, None
        self._backoff.reset()

    def _go_on(self, now: int) -> None:
        """Nothing is on its way: tell what waits, at once."""
        if self._linked and not self._on_their_way:
            self.next_at = now if self.kept else None

    def _age(self, one: Happened, now: int) -> int:
        return now if one.event.boot != self.boot else max(0, now - one.at)
