"""All that a visitor runs, held by the kernel: a group of processes that is frozen, let go on, or killed as one.

It is the visitor's slice of systemd, which stays when nobody is there. Nothing that a visitor starts leaves it:
children, double forks and new sessions are born in the group of their parent, and frozen if it is.
"""

import time
from pathlib import Path

from kiosk_agent.platform.base import PlatformError

CGROUPS = Path("/sys/fs/cgroup")
LOOK_S = 0.002
FROZEN_WITHIN_S = 0.25
"""A process that waits for a disk freezes when that answers; longer than this nobody waits for it."""


class Cell:
    """The group at `folder`. Each deed is one write, whatever the number of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_account(cls, uid: int, cgroups: Path = CGROUPS) -> "Cell":
        """The slice in which systemd keeps all that this account runs."""
        return cls(cgroups / "user.slice" / f"user-{uid}.slice")

    def freeze(self) -> None:
        """Stop all of it where it stands, and whatever is started there later. Raises PlatformError."""
        self._write("cgroup.freeze", "1")
        until = time.monotonic() + FROZEN_WITHIN_S
        while not self._is("frozen") and time.monotonic() < until:
            time.sleep(LOOK_S)

    def thaw(self) -> None:
        """Let it go on. Raises PlatformError."""
        self._write("cgroup.freeze", "0")

    def kill(self) -> None:
        """End all of it, frozen or not, with no time to fork. Raises PlatformError."""
        self._write("cgroup.kill", "1")

    @property
    def frozen(self) -> bool:
        return self._is("frozen")

    @property
    def inhabited(self) -> bool:
        """Does anything live there?"""
        return self._is("populated")

    def _is(self, event: str) -> bool:
        try:
            return f"{event} 1" in (self.folder / "cgroup.events").read_text()
        except OSError:
            return False

    def _write(self, name: str, value: str) -> None:
        try:
            (self.folder / name).write_text(value)
        except OSError as error:
            raise PlatformError(f"{self.folder / name}: {error.strerror}", "no_cell") from error
