"""What each call has in common: an error that the agent knows, a privilege, a library of the system."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kiosk_agent.platform.base import PlatformError

HERE: Any = None
"""This machine, where a call can name another. The stubs want a text; the calls take None."""


@contextmanager
def asking(what: str, *fine: int) -> Iterator[None]:
    """A refusal of Windows is a PlatformError with `what` as its reason, but for the numbers that are fine."""
    import pywintypes

    try:
        yield
    except (pywintypes.error, OSError) as error:
        number = getattr(error, "winerror", None)
        if number not in fine:
            raise PlatformError(f"{what}: {error}", what) from error


@contextmanager
def privileged(*names: str) -> Iterator[None]:
    """With privileges that this process has but that are asleep."""
    import win32api
    import win32con
    import win32process
    import win32security

    wanted: Any = [
        (win32security.LookupPrivilegeValue("", name), win32con.SE_PRIVILEGE_ENABLED) for name in names
    ]
    access = win32con.TOKEN_ADJUST_PRIVILEGES | win32con.TOKEN_QUERY
    token = win32security.OpenProcessToken(win32process.GetCurrentProcess(), access)
    before = win32security.AdjustTokenPrivileges(token, False, wanted)
    try:
        yield
    finally:
        win32security.AdjustTokenPrivileges(token, False, before)
        win32api.CloseHandle(token)


def library(name: str) -> Any:
    """A library of the system, for what pywin32 has no word for."""
    if sys.platform == "win32":
        return ctypes.WinDLL(name, use_last_error=True)
    raise PlatformError(f"{name} is on Windows only", "not_windows")
