"""The platform of a poste with Linux and systemd.

Locked is frozen: whatever the visitor runs, and whatever would be started in their name, stands still. A turn that
ended is killed and wiped after that; one that is paused, or whose agent died, stays frozen under the window.
"""

import logging
import os
import pwd
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kiosk_agent.platform import about
from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.dry import machine_boot_id
from kiosk_agent.platform.linux import cleaning
from kiosk_agent.platform.linux.account import Account, account_of
from kiosk_agent.platform.linux.cell import Cell
from kiosk_agent.platform.linux.idle import Screen
from kiosk_agent.platform.linux.session import Session
from protocol.messages import Info

log = logging.getLogger(__name__)
SKELETON = Path("/etc/poste-public/skeleton")
CAPABILITIES = ("message", "identify", "lock", "clean", "resync", "reboot", "shutdown")
_POWER = {"reboot": "reboot", "shutdown": "poweroff"}


def of_this(
    visitor: str, new_screen: Callable[[], None] = lambda: None, environment: Mapping[str, str] = os.environ
) -> "LinuxPlatform":
    """This machine, lent to visitors under this account, at the screen of DISPLAY. Raises PlatformError.

    `new_screen` is called when the screen is about to be started anew.
    """
    if os.getuid() != 0:
        raise PlatformError("only root can lock this machine", "no_right")
    number = environment.get("DISPLAY", ":0").rpartition(":")[2].partition(".")[0]
    authority = environment.get("XAUTHORITY")
    screen = Screen(int(number) if number.isdecimal() else 0, Path(authority) if authority else None)
    return LinuxPlatform(account_of(visitor, home_of(visitor)), screen, new_screen)


def home_of(visitor: str) -> Path:
    """Where an account lives. Raises PlatformError."""
    try:
        return Path(pwd.getpwnam(visitor).pw_dir)
    except KeyError:
        raise PlatformError(f"there is no account {visitor!r} on this machine", "no_account") from None


class LinuxPlatform:
    """Needs what `ppm kiosk install` puts on a machine, and root."""

    def __init__(self, account: Account, screen: Screen, new_screen: Callable[[], None]) -> None:
        self._new_screen = new_screen
        self._account = account
        self._screen = screen
        self._session = Session(account, Cell.of_account(account.uid))
        self._boot = machine_boot_id()
        self._let_in_at = float("-inf")

    def boot_id(self) -> str:
        return self._boot

    def info(self) -> Info:
        return about.machine(CAPABILITIES)

    def lock(self) -> None:
        self._session.hold()

    def unlock(self, session: str) -> None:
        log.info("let_in", extra={"session": session})
        self._let_in_at = time.monotonic()
        self._session.begin()

    async def clean(self) -> Attestation:
        """End the session, wipe, look again; the home is unmounted last, so that what was in it is counted.

        What does not die is seen by that look.
        """
        try:
            await self._session.end()
        except TimeoutError:
            log.error("session_does_not_end", extra={"account": self._account.name})
        self._new_screen()
        self._screen.close()
        await self._session.renew_screen()
        done = await cleaning.clean(self._account.name, self._account.home, skeleton=SKELETON)
        await self._session.leave_home()
        left = ("home",) if self._session.has_home() else ()
        return Attestation(done.ms, done.items, (*done.leftovers, *left))

    def warn(self, left_s: int, sentence: str) -> None:
        """The window says it."""

    def show(self, text: str) -> None:
        """The window shows it."""

    def power(self, op: str) -> None:
        try:
            subprocess.run(
                ["systemctl", "--no-block", _POWER[op]], check=True, timeout=2, capture_output=True
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise PlatformError(str(error), "systemd") from error

    def update(self, version: str, sha256: str) -> None:
        raise PlatformError(
            f"version {version} ({sha256[:8]}) cannot be installed from here", "not_supported"
        )

    def idle_s(self) -> int:
        """Who was let in from the desk has touched nothing yet, and has only just come."""
        return int(min(self._screen.idle_s(), time.monotonic() - self._let_in_at))

    def load(self) -> float:
        return os.getloadavg()[0]
