"""When a key or the mouse was last touched, in whatever program: X and Windows tell who is in their session."""

import ctypes
from collections.abc import Callable

from PySide6.QtGui import QGuiApplication

from kiosk_agent.platform.windows.input import still_ms

IdleMs = Callable[[], int | None]
"""For how many milliseconds nobody touched anything; None when the system does not say."""


class _Info(ctypes.Structure):
    """XScreenSaverInfo."""

    _fields_ = (
        ("window", ctypes.c_ulong), ("state", ctypes.c_int), ("kind", ctypes.c_int),
        ("til_or_since", ctypes.c_ulong), ("idle", ctypes.c_ulong), ("event_mask", ctypes.c_ulong),
    )  # fmt: skip


class XIdle:
    """The idle counter of the X server, on a connection of its own. Raises OSError where there is none."""

    def __init__(self) -> None:
        x, self._saver = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXss.so.1")
        x.XOpenDisplay.restype = x.XDefaultRootWindow.restype = ctypes.c_void_p
        x.XDefaultRootWindow.argtypes = (ctypes.c_void_p,)
        display = x.XOpenDisplay(None)
        if not display:
            raise OSError("no X server answers")
        self._display = ctypes.c_void_p(display)
        self._root = ctypes.c_void_p(x.XDefaultRootWindow(self._display))
        self._info = _Info()

    def __call__(self) -> int | None:
        told = self._saver.XScreenSaverQueryInfo(self._display, self._root, ctypes.byref(self._info))
        return int(self._info.idle) if told else None


def idle_counter() -> IdleMs:
    """What tells here how long nobody touched anything: the X server, or Windows; elsewhere nothing does yet."""
    if QGuiApplication.platformName() == "windows":
        return still_ms
    if QGuiApplication.platformName() == "xcb":
        try:
            return XIdle()
        except OSError:
            pass
    return lambda: None
