"""`python x_monitors.py LEFT,TOP,WIDTH,HEIGHT...`: from now on the screen is so many monitors, the first one first."""

import ctypes
import sys
from ctypes import POINTER, Structure, c_char_p, c_int, c_ulong, c_void_p, pointer

MM_PER_PIXEL = 0.26


class _Monitor(Structure):
    """XRRMonitorInfo."""

    _fields_ = (
        ("name", c_ulong), ("primary", c_int), ("automatic", c_int), ("noutput", c_int), ("x", c_int), ("y", c_int),
        ("width", c_int), ("height", c_int), ("mwidth", c_int), ("mheight", c_int), ("outputs", POINTER(c_ulong)),
    )  # fmt: skip


class _Resources(Structure):
    """XRRScreenResources, as far as it is read."""

    _fields_ = (
        ("timestamp", c_ulong), ("config_timestamp", c_ulong), ("ncrtc", c_int), ("crtcs", POINTER(c_ulong)),
        ("noutput", c_int), ("outputs", POINTER(c_ulong)),
    )  # fmt: skip


def set_monitors(places: list[tuple[int, int, int, int]]) -> None:
    """The first has the one output of the screen, so that the monitor of its own is no more."""
    x, randr = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
    x.XOpenDisplay.restype = c_void_p
    x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = (c_void_p,), c_ulong
    x.XInternAtom.argtypes, x.XInternAtom.restype = (c_void_p, c_char_p, c_int), c_ulong
    x.XSync.argtypes = (c_void_p, c_int)
    randr.XRRGetScreenResourcesCurrent.argtypes = (c_void_p, c_ulong)
    randr.XRRGetScreenResourcesCurrent.restype = POINTER(_Resources)
    randr.XRRGetMonitors.argtypes = (c_void_p, c_ulong, c_int, POINTER(c_int))
    randr.XRRGetMonitors.restype = POINTER(_Monitor)
    randr.XRRDeleteMonitor.argtypes = (c_void_p, c_ulong, c_ulong)
    randr.XRRSetMonitor.argtypes = (c_void_p, c_ulong, POINTER(_Monitor))
    display = x.XOpenDisplay(None)
    assert display, "no X server answers"
    root, count = x.XDefaultRootWindow(display), c_int()
    before = randr.XRRGetMonitors(display, root, 0, pointer(count))
    for number in range(count.value):
        if not before[number].automatic:
            randr.XRRDeleteMonitor(display, root, before[number].name)
    output = randr.XRRGetScreenResourcesCurrent(display, root).contents.outputs[0]
    for number, (left, top, width, height) in enumerate(places):
        name = x.XInternAtom(display, f"monitor-{number}".encode(), 0)
        size = round(width * MM_PER_PIXEL), round(height * MM_PER_PIXEL)
        first = number == 0
        one = _Monitor(name, first, 0, first, left, top, width, height, *size, pointer(c_ulong(output)))
        randr.XRRSetMonitor(display, root, pointer(one))
    x.XSync(display, 0)


if __name__ == "__main__":
    set_monitors([tuple(int(part) for part in word.split(",")) for word in sys.argv[1:]])  # type: ignore[misc]
