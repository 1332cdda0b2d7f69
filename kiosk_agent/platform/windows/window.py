"""The window is started in the session that has the screen, as the account of the public that is in it."""

import asyncio
import sys
from collections.abc import Callable, Sequence

from kiosk_agent.local.programs import Launch, Program
from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import seats
from kiosk_agent.platform.windows.calls import Windows

LOOK_S = 0.2


def command(pipe: str, *more: str) -> Sequence[str]:
    """The window's program, by the real interpreter.

    The one in an environment's folder on Windows starts that as its child, and the door would not know the
    process that comes to it. `__PYVENV_LAUNCHER__` tells the real one whose packages to use; `start.py` made
    `sys.executable` that of the slot.
    """
    return [str(getattr(sys, "_base_executable", sys.executable)), "-m", "kiosk_agent.ui.qt", pipe, *more]


def environment() -> dict[str, str]:
    """No setting and so no secret: what else it needs is the account's own."""
    return {"__PYVENV_LAUNCHER__": sys.executable, "PYTHONUTF8": "1"}


class SeatedPrograms:
    """`Programs` of a window on Windows. `failed` is told each time that one could not be started."""

    def __init__(self, windows: Windows, failed: Callable[[str], None] = lambda _: None) -> None:
        self._windows = windows
        self._failed = failed
        self._told = False

    async def start(self, launch: Launch) -> Program:
        """Once somebody of the public is logged on: Windows does that by itself."""
        while True:
            here = seats.seat(self._windows)
            if here is not None:
                try:
                    pid = self._windows.start(
                        here.session, launch.command, launch.environment, confined=False
                    )
                    self._told = False
                    return SeatedProgram(self._windows, pid)
                except PlatformError as error:
                    self._tell(error)
            await asyncio.sleep(LOOK_S)

    def is_alive(self, pid: int) -> bool:
        try:
            return self._windows.exit_code(pid) is None
        except PlatformError:
            return False

    def kill(self, pid: int) -> None:
        try:
            self._windows.end(pid)
        except PlatformError as error:
            self._tell(error)

    def _tell(self, error: PlatformError) -> None:
        """Once, until it works again."""
        if not self._told:
            self._told = True
            self._failed(error.reason)


class SeatedProgram:
    """The window that was started."""

    def __init__(self, windows: Windows, pid: int) -> None:
        self._windows = windows
        self._pid = pid

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def returncode(self) -> int | None:
        return self._windows.exit_code(self._pid)

    async def end(self) -> None:
        if self.returncode is None:
            await asyncio.to_thread(self._windows.end, self._pid)
