"""A machine with Windows that is lent to the public."""

import logging
import secrets
from collections.abc import Callable
from pathlib import PureWindowsPath
from typing import Literal

from kiosk_agent.platform import about
from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.windows import cleaning, seats
from kiosk_agent.platform.windows.calls import Windows
from kiosk_agent.platform.windows.lock import Stillness
from kiosk_agent.platform.windows.places import Places
from protocol.messages import Info

log = logging.getLogger(__name__)
CAPABILITIES = ("message", "identify", "lock", "clean", "resync", "reboot", "shutdown")
BOOT = "boot"
_ORDERS: dict[str, Literal["reboot", "shutdown"]] = {"reboot": "reboot", "shutdown": "shutdown"}


class WindowsPlatform:
    """The Platform on Windows.

    Nobody can use a machine that was just started: Windows logs an account of the public on with no desktop.
    Unlocking starts that desktop; locking makes all that the visitor runs stand still; cleaning ends it.
    `window` tells the process of the window, which is never frozen.
    """

    def __init__(
        self, windows: Windows, places: Places | None = None, window: Callable[[], int | None] = lambda: None
    ) -> None:
        self.is_cleaning = False
        self._windows = windows
        self._places = places or Places.here()
        self._still = Stillness(windows, PureWindowsPath(str(self._places.windows)), window)
        self._touched_at = windows.ticks_ms()
        self._busy = windows.busy()

    def boot_id(self) -> str:
        """Made at the first question and kept by Windows until it stops."""
        known = self._windows.recall(BOOT)
        if known is None:
            known = secrets.token_hex(8)
            self._windows.remember(BOOT, known)
        return known

    def info(self) -> Info:
        return about.machine(CAPABILITIES)

    # -------------------------------------------------------------- the lock

    def lock(self) -> None:
        self._still.freeze()

    def unlock(self, session: str) -> None:
        here = seats.seat(self._windows)
        if here is None:
            raise PlatformError("Windows has logged no account of the public on", "no_session")
        self.touched()
        self._still.thaw()
        if self._still.desktop_runs(here.session):
            return
        self._windows.start(here.session, [self._still.desktop], {}, confined=True)
        log.info("unlocked", extra={"session": session, "account": here.account})

    async def clean(self) -> Attestation:
        """The window ends with the session that is wiped, which is no failure of its own."""
        self.is_cleaning = True
        try:
            return await cleaning.clean(self._windows, self._places)
        finally:
            self.is_cleaning = False

    # -------------------------------------------------------------- the visitor

    def warn(self, left_s: int, sentence: str) -> None:
        """The window shows it."""

    def show(self, text: str) -> None:
        """The window shows it."""

    def touched(self) -> None:
        """Somebody is there. A service can't see the keyboard: the window, which can, says so."""
        self._touched_at = self._windows.ticks_ms()

    def idle_s(self) -> int:
        return max(0, self._windows.ticks_ms() - self._touched_at) // 1000

    # -------------------------------------------------------------- the machine

    def load(self) -> float:
        """How many processors were busy since the last question: Windows counts no load."""
        idle, all_ = self._windows.busy()
        idle_before, all_before = self._busy
        self._busy = idle, all_
        passed = all_ - all_before
        return 0.0 if passed <= 0 else (1 - (idle - idle_before) / passed) * self._windows.processors()

    def power(self, op: str) -> None:
        order = _ORDERS.get(op)
        if order is None:
            raise PlatformError(f"{op} is no order of this machine", "unknown_op")
        self._windows.power(order)

    def update(self, version: str, sha256: str) -> None:
        """Without slots. With them the agent's `Renewal` takes the order, as on Linux."""
        raise PlatformError(
            f"version {version} ({sha256[:8]}) cannot be installed from here", "not_supported"
        )


class TickClock:
    """The clock of a poste: what Windows counts since it started, sleep included."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def now(self) -> int:
        return self._windows.ticks_ms()
