"""What happens to machines: agents that crash, processes that freeze, networks and power that go."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from ppm.simulator.poste import SimulatedPoste

log = logging.getLogger(__name__)
Kind = Literal["crash", "freeze", "network", "power"]


@dataclass(frozen=True)
class Rates:
    """How often each happens to one machine, in times an hour, and how long it lasts, in seconds."""

    crash: float = 1.0
    freeze: float = 1.0
    network: float = 2.0
    power: float = 0.5
    lasts_s: tuple[float, float] = (2.0, 20.0)

    def times(self, factor: float) -> "Rates":
        """The same, more or less often."""
        return Rates(
            self.crash * factor,
            self.freeze * factor,
            self.network * factor,
            self.power * factor,
            self.lasts_s,
        )


@dataclass(frozen=True)
class Mishap:
    """One of them: `after_s` the one before, at the poste of this index."""

    after_s: float
    kind: Kind
    poste: int
    lasts_s: float


class Mishaps:
    """Lets them happen to postes that run, as a seed says. `counts` tells how often each did."""

    def __init__(self, postes: Sequence[SimulatedPoste], rates: Rates, seed: int = 0) -> None:
        self.counts: Counter[Kind] = Counter()
        self._postes = postes
        self._rates = rates
        self._rng = Random(f"mishaps-{seed}")

    async def run(self) -> None:
        """Until cancelled; what is out at that moment is put right again."""
        try:
            async with asyncio.TaskGroup() as inside:
                for one in self.plan():
                    await asyncio.sleep(one.after_s)
                    inside.create_task(self._happen(one), name="mishap")
        finally:
            for poste in self._postes:
                poste.thaw()
                poste.restore_network()

    def plan(self) -> Iterator[Mishap]:
        """What happens next, without end; nothing at all when every rate is 0."""
        kinds: tuple[Kind, ...] = ("crash", "freeze", "network", "power")
        weights = [getattr(self._rates, kind) for kind in kinds]
        per_second = sum(weights) * len(self._postes) / 3600
        while per_second > 0:
            yield Mishap(
                self._rng.expovariate(per_second),
                self._rng.choices(kinds, weights)[0],
                self._rng.randrange(len(self._postes)),
                self._rng.uniform(*self._rates.lasts_s),
            )

    async def _happen(self, one: Mishap) -> None:
        poste = self._postes[one.poste]
        if poste.view is None:
            return  # It is down already.
        self.counts[one.kind] += 1
        log.info("mishap", extra={"kind": one.kind, "poste": poste.slug, "lasts_s": round(one.lasts_s, 1)})
        match one.kind:
            case "crash":
                await poste.crash()
                await asyncio.sleep(one.lasts_s)
                poste.restart()
            case "freeze":
                poste.freeze(one.lasts_s)
            case "network":
                poste.cut_network(one.lasts_s)
            case "power":
                await poste.power_cycle(off_s=one.lasts_s)
