"""Two machines that say they are one poste: the broker lets the later one in, so they end each other's connection.

A start of a machine that another one has followed never comes back by itself: if it does, there are two. Machines with
the same start (a virtual one that was copied while it ran) tell two rows of connections: the number falls again and
again. Pure; instants are monotonic seconds.
"""

from collections import deque
from dataclasses import dataclass, field

from protocol.messages import Info, Status

WITHIN_S = 60.0
"""How long ago a machine may have been heard for its return to count, and its first fall for the second."""
QUIET_S = 120.0
"""How long there must be one machine only before it is over. Agents wait 5 s at most before they connect again."""
_MOST = 4


@dataclass
class _Heard:
    """What was heard of one poste: its starts and when each came last, the last number, when that fell."""

    boots: dict[str, float] = field(default_factory=dict)
    boot: str = ""
    connection: int = 0
    fell_at: float | None = None
    machines: deque[str] = field(default_factory=lambda: deque(maxlen=2))


@dataclass
class Twins:
    """The postes of a site, by slug. `signs` is when it was last clear that there are two of one."""

    signs: dict[str, float] = field(default_factory=dict)
    _heard: dict[str, _Heard] = field(default_factory=dict)

    def status(self, slug: str, told: Status, now: float) -> bool:
        """Take what a machine says of its presence as it connects, live. True when there are two."""
        if not told.online:
            return False
        one = self._heard.setdefault(slug, _Heard())
        are_two = self._is_back(one, told, now) or self._falls_again(one, told, now)
        one.boots.pop(told.boot, None)
        one.boots[told.boot] = now
        if len(one.boots) > _MOST:
            del one.boots[next(iter(one.boots))]
        one.boot, one.connection = told.boot, told.connection
        if are_two:
            self.signs[slug] = now
        return are_two

    def info(self, slug: str, told: Info) -> None:
        """Take what a machine says of itself, to be told who the two are."""
        said = " ".join(word for word in (told.hostname, told.ip, told.mac) if word)
        machines = self._heard.setdefault(slug, _Heard()).machines
        if said not in machines:
            machines.append(said)

    def machines(self, slug: str) -> list[str]:
        """The last two machines that said they are this poste; one where both say the same of themselves."""
        return list(self._heard[slug].machines) if slug in self._heard else []

    def over(self, now: float) -> list[str]:
        """The postes that are one machine again; they are forgotten with this."""
        quiet = [slug for slug, at in self.signs.items() if now - at >= QUIET_S]
        for slug in quiet:
            del self.signs[slug]
        return quiet

    def _is_back(self, one: _Heard, told: Status, now: float) -> bool:
        return told.boot != one.boot and now - one.boots.get(told.boot, -WITHIN_S) < WITHIN_S

    def _falls_again(self, one: _Heard, told: Status, now: float) -> bool:
        """Once may be an agent that lost what it had on its disk."""
        if told.boot != one.boot or told.connection >= one.connection:
            return False
        before, one.fell_at = one.fell_at, now
        return before is not None and now - before < WITHIN_S
