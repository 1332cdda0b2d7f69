"""The lock: the visitor's programs stand still, and the window covers the screen.

A session that waits is locked too, and its programs must live on: so they are frozen, not ended. What stands
still draws nothing and takes no key, whatever the window does. Ending them is the clean-up's work.
"""

import json
from collections.abc import Callable
from pathlib import PureWindowsPath

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import seats
from kiosk_agent.platform.windows.calls import Process, Windows

FROZEN = "frozen"
DESKTOP = "explorer.exe"
ROUNDS = 5
"""A program that is started while others are frozen is seen at the next look."""
SPARED = ("ctfmon.exe", "sihost.exe", "taskhostw.exe")
"""Parts of Windows that run as the visitor and that the window needs for typing."""

_Mark = tuple[int, int]


class Stillness:
    """Freezes and thaws what the visitor runs. `window` tells the process that is not to be frozen."""

    def __init__(
        self, windows: Windows, system_root: PureWindowsPath, window: Callable[[], int | None]
    ) -> None:
        self._windows = windows
        self._system = PureWindowsPath(system_root) / "System32"
        self._desktop = PureWindowsPath(system_root) / DESKTOP
        self._window = window

    def freeze(self) -> None:
        """Raises PlatformError when something of the visitor's still runs after it."""
        failed: PlatformError | None = None
        for _ in range(ROUNDS):
            frozen = self._frozen()
            moving = [one for one in self._visitors() if _mark(one) not in frozen]
            if not moving:
                return
            failed = None
            for one in moving:
                try:
                    self._windows.freeze(one.pid)
                    frozen.add(_mark(one))
                except PlatformError as error:
                    failed = error
            self._keep(frozen)
        raise failed or PlatformError("the visitor's programs start faster than they are frozen", "lock")

    def thaw(self) -> None:
        """What was frozen goes on."""
        frozen = self._frozen()
        for one in self._visitors():
            if _mark(one) in frozen:
                self._windows.thaw(one.pid)
                frozen.discard(_mark(one))
                self._keep(frozen)
        self._keep(set())

    def desktop_runs(self, session: int) -> bool:
        """Whether the visitor of this session has a desktop."""
        return any(one.session == session and self._is(one, self._desktop) for one in self._visitors())

    @property
    def desktop(self) -> str:
        return str(self._desktop)

    def _visitors(self) -> list[Process]:
        sids = {self._windows.sid(one) for one in seats.PUBLIC}
        window = self._window()
        return [
            one for one in self._windows.processes()
            if one.sid in sids and one.pid != window and not self._is_spared(one)
        ]  # fmt: skip

    def _is_spared(self, process: Process) -> bool:
        return any(self._is(process, self._system / name) for name in SPARED)

    def _is(self, process: Process, path: PureWindowsPath) -> bool:
        return PureWindowsPath(process.path) == path

    def _frozen(self) -> set[_Mark]:
        """Kept by Windows, not by us: an agent that was started again must not freeze them twice."""
        return {(pid, begun) for pid, begun in json.loads(self._windows.recall(FROZEN) or "[]")}

    def _keep(self, frozen: set[_Mark]) -> None:
        self._windows.remember(FROZEN, json.dumps(sorted(frozen)))


def _mark(process: Process) -> _Mark:
    return process.pid, process.begun
