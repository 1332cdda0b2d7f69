"""What systemd hears of a program (Type=notify, WatchdogSec): that it is ready, lives, and stops.

Where there is no NOTIFY_SOCKET nothing is said.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress


async def told(
    *ready: asyncio.Event,
    healthy: Callable[[], bool] = lambda: True,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Say READY once all these events are set, WATCHDOG while `healthy`, STOPPING when cancelled.

    A loop that hangs says nothing, and systemd restarts the program.
    """
    pause_s = _pause_s(environment)
    try:
        for event in ready:
            await event.wait()
        _say(environment, "READY=1")
        while True:
            if pause_s is not None and healthy():
                _say(environment, "WATCHDOG=1")
            await asyncio.sleep(3600 if pause_s is None else pause_s)
    finally:
        _say(environment, "STOPPING=1")


def _pause_s(environment: Mapping[str, str]) -> float | None:
    """Half of what systemd allows between two signs of life; None when it wants none of this process."""
    within, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(os.getpid()))
    return int(within) / 2_000_000 if within.isdecimal() and whose == str(os.getpid()) else None


def _say(environment: Mapping[str, str], words: str) -> None:
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(words.encode(), "\0" + address[1:] if address.startswith("@") else address)
