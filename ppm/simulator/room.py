"""Many simulated postes at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from kiosk_agent.settings import Settings
from ppm.simulator.poste import CONNECTS_IN_FLIGHT, SimulatedPoste


class Room:
    """The simulated postes of a process, each in a folder of its own; an async context manager."""

    def __init__(self, settings: list[Settings], *, clean_s: float = 0.2, seed: int = 0) -> None:
        connects = asyncio.Semaphore(CONNECTS_IN_FLIGHT)
        self.postes = [
            SimulatedPoste(
                replace(one, folder=one.folder / one.poste, durable=False),
                connects=connects, clean_s=clean_s, seed=seed,
            )
            for one in settings
        ]  # fmt: skip

    def __iter__(self) -> Iterator[SimulatedPoste]:
        return iter(self.postes)

    def __getitem__(self, slug: str) -> SimulatedPoste:
        return next(poste for poste in self.postes if poste.slug == slug)

    async def __aenter__(self) -> Self:
        for poste in self.postes:
            poste.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(poste.stop() for poste in self.postes))

    async def all_online(self, timeout_s: float = 30) -> bool:
        """Wait until every poste is connected."""
        waits = (
            poste.until(lambda one: one.view is not None and one.view.online, timeout_s) for poste in self
        )
        return all(await asyncio.gather(*waits))
