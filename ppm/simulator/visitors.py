"""People who come, get a code at the desk, mistype it, stay, ask for more, leave early or not at all."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ppm.simulator.poste import SimulatedPoste

log = logging.getLogger(__name__)

_ANSWER_S = 70.0
"""A little longer than an agent tries to have a code accepted."""
_A_DAY_S = 86_400.0
_OPEN = ("active", "grace")


class DeskError(Exception):
    """The desk could not make a session."""


class Desk(Protocol):
    """Where codes come from. May raise DeskError."""

    async def create_session(self, site: str, minutes: float) -> str:
        """Make a session on any free poste of a site. Returns its code."""


@dataclass(frozen=True)
class Habits:
    """How visitors behave; chances are from 0 to 1."""

    arrivals_per_minute: float = 6.0
    minutes: tuple[float, ...] = (2.0, 3.0, 5.0)
    mistypes: float = 0.15
    careless: float = 0.3
    asks_for_time: float = 0.2
    leaves_early: float = 0.3
    types_for_s: tuple[float, float] = (0.5, 2.0)


class Visitors:
    """Visitors of one site. `counts` tells what became of them."""

    def __init__(
        self,
        site: str,
        postes: Sequence[SimulatedPoste],
        desk: Desk,
        habits: Habits | None = None,
        seed: int = 0,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._site = site
        self._postes = postes
        self._desk = desk
        self._habits = habits or Habits()
        self._rng = Random(f"visitors-{seed}")
        self._taken: set[SimulatedPoste] = set()

    async def run(self) -> None:
        """Let visitors come until cancelled."""
        async with asyncio.TaskGroup() as inside:
            while True:
                await asyncio.sleep(self._rng.expovariate(self._habits.arrivals_per_minute / 60))
                inside.create_task(self.one_visit(), name="visitor")

    async def one_visit(self) -> None:
        """One visitor, from the door to the door."""
        self.counts["came"] += 1
        poste = self._free_poste()
        if poste is None:
            self.counts["turned_away"] += 1
            return
        self._taken.add(poste)
        try:
            await self._at(poste)
        except DeskError as error:
            self.counts["no_code"] += 1
            log.warning("desk_failed", extra={"error": str(error)})
        finally:
            self._taken.discard(poste)

    def _free_poste(self) -> SimulatedPoste | None:
        free = [poste for poste in self._postes if poste.is_free and poste not in self._taken]
        return self._rng.choice(free) if free else None

    async def _at(self, poste: SimulatedPoste) -> None:
        minutes = self._rng.choice(self._habits.minutes)
        code = await self._desk.create_session(self._site, minutes)
        if self._rng.random() < self._habits.mistypes:
            self.counts["mistyped"] += 1
            await self._type(poste, self._mistyped(code))
            await poste.until(lambda one: not (one.view and one.view.checking), _ANSWER_S)
        await self._type(poste, self._careless(code) if self._happens(self._habits.careless) else code)
        if not await poste.until(lambda one: one.phase in _OPEN, _ANSWER_S):
            self.counts["never_opened"] += 1
            return
        self.counts["opened"] += 1
        boot = poste.machine.boot
        await self._stay(poste, minutes * 60)
        while await self._went_on(poste, code, boot):
            boot = poste.machine.boot
            await self._stay(poste, minutes * 60)

    async def _went_on(self, poste: SimulatedPoste, code: str, boot: str) -> bool:
        """A machine whose power went has kept the time: the visitor types the code again."""
        if poste.machine.boot == boot or not await poste.until(lambda one: one.is_free, _ANSWER_S):
            return False
        self.counts["typed_again"] += 1
        await self._type(poste, code)
        return await poste.until(lambda one: one.phase in _OPEN, _ANSWER_S)

    async def _type(self, poste: SimulatedPoste, code: str) -> None:
        await asyncio.sleep(self._rng.uniform(*self._habits.types_for_s))
        poste.type_code(code)

    async def _stay(self, poste: SimulatedPoste, seconds: float) -> None:
        session = poste.session
        if self._happens(self._habits.asks_for_time):
            self.counts["asked_for_time"] += 1
            await self._stays(poste, session, seconds * self._rng.uniform(0.3, 0.8))
            poste.ask_time(int(seconds / 2) or 1)
        elif self._happens(self._habits.leaves_early):
            await self._stays(poste, session, seconds * self._rng.uniform(0.2, 0.9))
            if poste.session == session and poste.phase in _OPEN:
                self.counts["left_early"] += 1
                poste.end_session()
        await self._stays(poste, session, None)

    async def _stays(self, poste: SimulatedPoste, session: str | None, seconds: float | None) -> None:
        """Until the session is over here, or for so long."""
        limit = seconds if seconds is not None else _A_DAY_S
        await poste.until(lambda one: one.view is not None and one.session != session, limit)

    def _happens(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _mistyped(self, code: str) -> str:
        """The code with its first letter replaced by another of the alphabet."""
        return ("B" if code[:1] != "B" else "C") + code[1:]

    def _careless(self, code: str) -> str:
        return f" {code[:3]} {code[3:]} ".lower()
