"""The visitor's session, through systemd and logind: begun when somebody is let in, ended with all that it started."""

import asyncio
import os
import subprocess
from collections.abc import Sequence

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.linux.account import Account
from kiosk_agent.platform.linux.cell import Cell

VISITOR_UNIT = "ppm-visitor.service"
HOME_UNIT = "ppm-home.service"
SCREEN_UNIT = "ppm-screen.service"
ASK_S = 2.0
"""systemd takes an order in some milliseconds, or is not well."""
END_S = 10.0
LOOK_S = 0.01


class Session:
    """`begin` and `hold` return at once and are harmless when repeated; `end` returns when nothing is left."""

    def __init__(self, account: Account, cell: Cell) -> None:
        self._account = account
        self._cell = cell

    def begin(self) -> None:
        """Let the visitor in, or go on where they were held. Raises PlatformError."""
        self._cell.thaw()
        _ask("systemctl", "start", "--no-block", VISITOR_UNIT)

    def hold(self) -> None:
        """Nothing of the visitor's moves any more. Raises PlatformError."""
        self._cell.freeze()

    async def end(self) -> None:
        """Nothing that the session started is left. Raises PlatformError or TimeoutError.

        Killed first: systemd lets a slice go on when it stops what is in it. Its own helpers work in the slice too,
        and are let finish before it is killed again. Frozen last, for what would be started there late.
        """
        uid = self._account.uid
        self._cell.kill()
        await order("systemctl", "stop", VISITOR_UNIT)
        self._cell.thaw()
        await order("systemctl", "stop", f"user@{uid}.service", f"user-runtime-dir@{uid}.service")
        self._cell.kill()
        for _ in range(round(END_S / LOOK_S)):
            if not self._cell.inhabited:
                break
            await asyncio.sleep(LOOK_S)
        else:
            raise TimeoutError
        self._cell.freeze()

    async def renew_screen(self) -> None:
        """The X server forgets what was done to it: keyboard maps, closed devices, windows without a program."""
        await order("systemctl", "restart", SCREEN_UNIT)

    async def leave_home(self) -> None:
        """The home, which is in memory, is gone; the next visitor finds another. Raises PlatformError."""
        await order("systemctl", "stop", HOME_UNIT)  # it lets the slice go on, for a machine that goes down
        self._cell.freeze()

    def has_home(self) -> bool:
        """Is the home in memory there?"""
        return os.path.ismount(self._account.home)


def _ask(*words: str) -> None:
    """An order that is taken at once."""
    try:
        subprocess.run(words, check=True, capture_output=True, timeout=ASK_S)
    except (subprocess.SubprocessError, OSError) as error:
        raise PlatformError(_said(words, error), "systemd") from error


async def order(*words: str, within_s: float = END_S) -> None:
    """An order that takes its time. Raises PlatformError."""
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PlatformError(f"{' '.join(words)} takes longer than {within_s:g} s", "systemd") from None
    if process.returncode != 0:
        raise PlatformError(f"{' '.join(words)}: {said.decode(errors='replace').strip()}", "systemd")


def _said(words: Sequence[str], error: Exception) -> str:
    said = getattr(error, "stderr", None)
    return f"{' '.join(words)}: {said.decode(errors='replace').strip() if said else error}"
