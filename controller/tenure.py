"""The lease that a driver works under, and until when nobody else can hold it."""

import asyncio
from dataclasses import dataclass, field

from controller.clock import boottime
from fleet.database.leases import Lease


@dataclass
class Tenure:
    """A lease with the instant of the boot clock until which it is surely ours."""

    lease: Lease
    until: float
    _renewed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have taken the site over. Nothing is published otherwise."""
        return boottime() < self.until

    def renew(self, until: float) -> None:
        """It is ours for longer."""
        self.until = until
        self._renewed.set()

    async def sure(self) -> None:
        """Wait until the lease is surely ours."""
        while not self.is_sure:
            self._renewed.clear()
            await self._renewed.wait()
