"""The machine as a whole: its clock, its memory of this run, its load, its power."""

import ctypes
import os
import subprocess
from collections.abc import Sequence
from typing import Literal

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows.calls import Value
from kiosk_agent.platform.windows.real import registry
from kiosk_agent.platform.windows.real.asking import HERE, asking, library, privileged

_LONGEST_RUN_S = 60.0


class RealSystem:
    """This machine."""

    def ticks_ms(self) -> int:
        ticks = library("kernel32").GetTickCount64
        ticks.restype = ctypes.c_ulonglong
        return int(ticks())

    def recall(self, name: str) -> str | None:
        found = registry.read(registry.SINCE_START, name)
        return None if found is None else str(found)

    def remember(self, name: str, value: str) -> None:
        """A volatile key lives in memory alone, and ordinary accounts may only read it."""
        registry.write(None, Value(registry.SINCE_START, name, value), volatile=True)

    def busy(self) -> tuple[int, int]:
        """The kernel's time contains the idle time."""
        idle, kernel, user = (ctypes.c_ulonglong() for _ in range(3))
        library("kernel32").GetSystemTimes(ctypes.byref(idle), ctypes.byref(kernel), ctypes.byref(user))
        return idle.value, kernel.value + user.value

    def processors(self) -> int:
        return os.cpu_count() or 1

    def power(self, op: Literal["reboot", "shutdown"]) -> None:
        import win32api

        with asking(op), privileged("SeShutdownPrivilege"):
            win32api.InitiateSystemShutdown(HERE, "", 0, True, op == "reboot")

    def set_for_machine(self, value: Value) -> None:
        registry.write(None, value)

    def unset_for_machine(self, value: Value) -> None:
        registry.erase(value.key, value.name)

    def machine_value(self, key: str, name: str) -> str | int | None:
        return registry.read(key, name)

    def run(self, command: Sequence[str]) -> None:
        run(command, "run")


def run(command: Sequence[str], reason: str) -> None:
    """To its end, without a window. Raises PlatformError when it says no."""
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_LONGEST_RUN_S, creationflags=no_window, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlatformError(f"{command[0]}: {error}", reason) from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise PlatformError(f"{command[0]} ended with {done.returncode}: {said[:200]}", reason)
