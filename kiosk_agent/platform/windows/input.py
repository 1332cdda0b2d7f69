"""When a key or the mouse was last touched: what a program in the visitor's session is told, and a service is not."""

_WRAPS = 1 << 32


def still_ms() -> int:
    """For how long nobody touched anything in this session. Both counters wrap every 49.7 days."""
    import win32api

    return between(win32api.GetLastInputInfo(), win32api.GetTickCount())


def between(before: int, now: int) -> int:
    """From one count of 32 bits to a later one, whether or not it began anew between them."""
    return (now - before) % _WRAPS
