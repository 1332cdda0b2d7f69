"""A machine on which nothing is locked and nothing is wiped: to try the agent anywhere."""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from kiosk_agent.platform import about
from kiosk_agent.platform.base import Attestation, PlatformError
from protocol.messages import Info

log = logging.getLogger(__name__)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
DRY = "dry_run"
"""Why a machine that is only tried does not do it."""
CAPABILITIES = ("message", "identify", "lock", "clean", "resync")


def machine_boot_id(path: Path = _BOOT_ID) -> str:
    """A random id of this start of the machine; of this start of the program where the system has none."""
    try:
        seed = path.read_bytes()
    except OSError:
        seed = os.urandom(16)
    return hashlib.sha256(seed).hexdigest()[:16]


class DryPlatform:
    """Says what it would do. Its clean-up takes `clean_s` and attests that there was nothing."""

    def __init__(self, clean_s: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._touched_at = clock()
        self._clean_s = clean_s
        self._boot = machine_boot_id()

    def boot_id(self) -> str:
        return self._boot

    def info(self) -> Info:
        return about.machine(CAPABILITIES)

    def lock(self) -> None:
        log.info("would_lock")

    def unlock(self, session: str) -> None:
        self.touched()
        log.info("would_unlock", extra={"session": session})

    async def clean(self) -> Attestation:
        await asyncio.sleep(self._clean_s)
        return Attestation(ms=round(self._clean_s * 1000))

    def warn(self, left_s: int, sentence: str) -> None:
        log.info("would_warn", extra={"left_s": left_s, "length": len(sentence)})

    def show(self, text: str) -> None:
        log.info("would_show", extra={"length": len(text)})

    def power(self, op: str) -> None:
        log.info("would_power", extra={"op": op})

    def update(self, version: str, sha256: str) -> None:
        """Refuse: nothing is installed on a machine that is only tried."""
        raise PlatformError(f"version {version} ({sha256[:8]}) is not installed by a dry run", DRY)

    def touched(self) -> None:
        """Somebody is there: what its face takes is all the input that a dry machine has."""
        self._touched_at = self._clock()

    def idle_s(self) -> int:
        return int(self._clock() - self._touched_at)

    def load(self) -> float:
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
