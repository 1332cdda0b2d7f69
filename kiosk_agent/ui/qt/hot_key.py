"""Ctrl+Alt+T opens the menu of the session from within any program: for who has no mouse, or cannot see it."""

import ctypes
from ctypes import c_int, c_uint, c_ulong, c_void_p

from PySide6.QtGui import QGuiApplication

_KEY = b"t"
_CTRL_ALT = 4 | 8
_LOCKS = (0, 2, 16, 2 | 16)
"""Caps lock and num lock are modifiers too."""
_KEY_PRESS = 2
_ASYNC = 1
_EVENT_BYTES = 192
_Handler = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)


_HEED_NOT = _Handler(lambda _display, _error: 0)
"""Another program has the key already: it keeps it. Without this Xlib would end our program."""


class HotKey:
    """A key that the X server keeps for us, on a connection of its own. Raises OSError where there is none."""

    def __init__(self) -> None:
        self._x = x = ctypes.CDLL("libX11.so.6")
        x.XOpenDisplay.restype = c_void_p
        x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = (c_void_p,), c_ulong
        x.XKeysymToKeycode.argtypes = (c_void_p, c_ulong)
        x.XStringToKeysym.restype = c_ulong
        x.XGrabKey.argtypes = (c_void_p, c_int, c_uint, c_ulong, c_int, c_int, c_int)
        for call in (x.XPending, x.XSync):
            call.argtypes = (c_void_p,) if call is x.XPending else (c_void_p, c_int)
        x.XNextEvent.argtypes = (c_void_p, c_void_p)
        self._display = x.XOpenDisplay(None)
        if not self._display:
            raise OSError("no X server answers")
        self._grab()

    def _grab(self) -> None:
        x, display = self._x, self._display
        x.XSetErrorHandler(_HEED_NOT)
        root = x.XDefaultRootWindow(display)
        code = x.XKeysymToKeycode(display, x.XStringToKeysym(_KEY)) & 0xFF
        for lock in _LOCKS:
            x.XGrabKey(display, code, _CTRL_ALT | lock, root, 0, _ASYNC, _ASYNC)
        x.XSync(display, 0)

    def __call__(self) -> bool:
        """Was it pressed since the last time that this was asked?"""
        pressed = False
        event = ctypes.create_string_buffer(_EVENT_BYTES)
        while self._x.XPending(self._display):
            self._x.XNextEvent(self._display, event)
            pressed |= c_int.from_buffer(event).value == _KEY_PRESS
        return pressed


def hot_key() -> HotKey | None:
    """The key, where there is an X server to ask for it."""
    if QGuiApplication.platformName() != "xcb":
        return None
    try:
        return HotKey()
    except OSError:
        return None
