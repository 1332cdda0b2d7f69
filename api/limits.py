"""How much one client may ask for: an operator as such, whoever is not known by address. Memory is bounded."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from fleet.domain.actor import Actor
from fleet.domain.errors import Refused

UNLIMITED = "unlimited"
"""The option of handlers that count for nobody's limit, or that count for their caller themselves."""
BURST_S = 10
"""For how many seconds' worth a client may ask at once."""
ANONYMOUS_SHARE = 10
"""Whoever is not known may ask for this part of what an operator may."""
MACHINE_SHARE = 100
"""Whoever tries tokens, or asks to be a poste, may do so for this part of what an operator may."""
_MOST_CLIENTS = 10_000
_IPV6_NETWORK = 64


class Buckets:
    """A bucket of requests for each client, filled at `per_minute`; 0 means no limit. Old ones are forgotten."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, client: str) -> int:
        """Take one request out. Gives 0, or for how many seconds there is none."""
        if not self._per_s:
            return 0
        now, size = self._clock(), max(1.0, self._per_s * BURST_S)
        left, at = self._known.get(client, (size, now))
        left = min(size, left + (now - at) * self._per_s)
        if left < 1:
            return math.ceil((1 - left) / self._per_s)
        self._known[client] = (left - 1, now)
        self._known.move_to_end(client)
        if len(self._known) > _MOST_CLIENTS:
            self._known.popitem(last=False)
        return 0


class Limits:
    """What the clients of one API process have left."""

    def __init__(self, per_minute: int) -> None:
        self._known = Buckets(per_minute)
        self._strangers = Buckets(per_minute / ANONYMOUS_SHARE)
        self._machines = Buckets(per_minute / MACHINE_SHARE)

    def known(self, actor: Actor) -> None:
        """Count a request of an operator, or of who stands in for a poste. Raises Refused."""
        _refuse(self._known.spend(f"{actor.operateur_id} {actor.poste_id}"))

    def stranger(self, address: str | None) -> None:
        """Count a request from an address. Raises Refused."""
        _refuse(self._strangers.spend(network(address)))

    def machine(self, address: str | None) -> None:
        """Count a try of a machine to become a poste. Raises Refused."""
        _refuse(self._machines.spend(network(address)))


def network(address: str | None) -> str:
    """Whose address this is: a client has a whole network of IPv6 to itself."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if known.version == 4:
        return str(known)
    return str(ipaddress.ip_network((known, _IPV6_NETWORK), strict=False))


def _refuse(wait_s: int) -> None:
    if wait_s:
        raise Refused("trop_de_demandes", retry_after_s=wait_s)


class Limited(ASGIMiddleware):
    """Counts each request for its client. Raises Refused when there are too many."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = UNLIMITED

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the call through."""
        limits: Limits = scope["litestar_app"].state.shared.limits
        who = scope.get("user")
        if isinstance(who, Actor):
            limits.known(who)
        else:
            client = scope.get("client")
            limits.stranger(client[0] if client else None)
        await next_app(scope, receive, send)
