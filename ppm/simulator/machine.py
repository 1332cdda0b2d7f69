"""A machine that is only pretended: it locks, unlocks and cleans nothing, and measures all of it."""

import asyncio
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.version import software
from protocol.messages import Info
from protocol.version import PROTOCOL

REMEMBERED = 1000
"""Moments that are kept: a room may be simulated for months."""
Deed = Literal["lock", "unlock", "clean", "cleaned", "warn", "show", "reboot", "shutdown"]


@dataclass(frozen=True)
class Moment:
    """What the machine did, and when by the monotonic clock, in seconds."""

    at: float
    deed: Deed
    detail: str = ""


class SimulatedMachine:
    """The platform of a simulated poste. It outlives its agents, as a machine does."""

    def __init__(self, name: str, *, clean_s: float = 0.2) -> None:
        self.name = name
        self.clean_s = clean_s
        self.boot = secrets.token_hex(8)
        self.history: deque[Moment] = deque(maxlen=REMEMBERED)
        self.shown = ""
        self.on_power: Callable[[str], None] | None = None
        self._open: tuple[str, float] | None = None
        self._grace_since: float | None = None
        self._unlocked: defaultdict[str, float] = defaultdict(float)
        self._in_grace: defaultdict[str, float] = defaultdict(float)

    # -------------------------------------------------------------- the stopwatch

    @property
    def unlocked(self) -> bool:
        return self._open is not None

    def unlocked_s(self, session: str) -> float:
        """How long the machine was unlocked for a session, grace included."""
        running = time.monotonic() - self._open[1] if self._open and self._open[0] == session else 0.0
        return self._unlocked[session] + running

    def used_s(self, session: str) -> float:
        """How long the machine was unlocked for a session before its grace."""
        mine = self._open is not None and self._open[0] == session
        running = time.monotonic() - self._grace_since if mine and self._grace_since is not None else 0.0
        return self.unlocked_s(session) - self._in_grace[session] - running

    def in_grace(self, grace: bool) -> None:
        """The agent entered or left the grace."""
        if self._open is None or grace == (self._grace_since is not None):
            return
        now = time.monotonic()
        if self._grace_since is not None:
            self._in_grace[self._open[0]] += now - self._grace_since
        self._grace_since = now if grace else None

    def times(self, deed: Deed) -> list[float]:
        """When it did that."""
        return [moment.at for moment in self.history if moment.deed == deed]

    # -------------------------------------------------------------- the platform

    def boot_id(self) -> str:
        return self.boot

    def new_boot(self) -> None:
        """The power went and came back."""
        self.lock()
        self.boot = secrets.token_hex(8)

    def info(self) -> Info:
        return Info(
            protocol=PROTOCOL, software=software(), os="simulated", hostname=self.name,
            capabilities=("message", "identify", "lock", "clean", "resync", "reboot", "shutdown"),
        )  # fmt: skip

    def lock(self) -> None:
        if self._open is not None:
            self.in_grace(False)
            session, since = self._open
            self._unlocked[session] += time.monotonic() - since
            self._open = None
        self._note("lock")

    def unlock(self, session: str) -> None:
        if self._open is None:
            self._open = (session, time.monotonic())
        self._note("unlock", session)

    async def clean(self) -> Attestation:
        self._note("clean")
        await asyncio.sleep(self.clean_s)
        self._note("cleaned")
        return Attestation(ms=round(self.clean_s * 1000), items=(("home", 1, 4096),))

    def warn(self, left_s: int, sentence: str) -> None:
        self.shown = sentence
        self._note("warn", str(left_s))

    def show(self, text: str) -> None:
        self.shown = text
        self._note("show", text)

    def power(self, op: str) -> None:
        self._note("reboot" if op == "reboot" else "shutdown")
        if self.on_power is not None:
            self.on_power(op)

    def update(self, version: str, sha256: str) -> None:
        raise PlatformError(f"version {version} ({sha256[:8]}) is not installed by a simulation", "simulated")

    def idle_s(self) -> int:
        return 0

    def load(self) -> float:
        return 0.1

    def _note(self, deed: Deed, detail: str = "") -> None:
        self.history.append(Moment(time.monotonic(), deed, detail))
