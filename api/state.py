"""What the handlers of one API process share."""

import time
from dataclasses import dataclass, field, replace

from api.limits import Limits
from api.names import Names
from api.settings import ApiSettings
from api.tokens import Tokens
from api.turns import Turns
from api.work import Work
from fleet.domain.actor import Actor
from fleet.usecases import operateurs
from fleet.usecases.fleet import Fleet

_MOST_REMEMBERED = 10_000


class Rights:
    """What operators may do, remembered for a few seconds: a change of role bites within that time.

    Role and sites are not in the token: a token lives ten minutes, which is too long for a right that was taken
    away; and reading them with each request would cost as much as many requests themselves.
    """

    def __init__(self, fleet: Fleet, work: Work, ttl_s: float) -> None:
        self._fleet = fleet
        self._work = work
        self._ttl_s = ttl_s
        self._known: dict[int, tuple[float, Actor]] = {}

    async def of(self, operateur_id: int, ip: str | None) -> Actor | None:
        """The rights of an operator who calls from this address; None for one that is gone or not active."""
        until, actor = self._known.get(operateur_id, (0.0, None))
        if actor is None or until < time.monotonic():
            actor = await self._work.run(lambda: operateurs.actor_of(self._fleet, operateur_id))
            if actor is None:
                self._known.pop(operateur_id, None)
                return None
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[operateur_id] = (time.monotonic() + self._ttl_s, actor)
        return replace(actor, ip=ip)

    def forget(self) -> None:
        """Somebody's rights were changed: read them again."""
        self._known.clear()


@dataclass
class Shared:
    """One per process, made by the composition root."""

    fleet: Fleet
    settings: ApiSettings
    work: Work = field(init=False)
    tokens: Tokens = field(init=False)
    names: Names = field(init=False)
    rights: Rights = field(init=False)
    limits: Limits = field(init=False)
    turns: Turns = field(default_factory=Turns)

    def __post_init__(self) -> None:
        self.work = Work(self.settings.threads)
        self.tokens = Tokens(self.settings)
        self.limits = Limits(self.settings.requests_per_minute)
        self.names = Names(self.fleet)
        self.rights = Rights(self.fleet, self.work, self.settings.rights_ttl_s)
