"""Keeps a window before the visitor: starts it, sees that it lives, and starts it again."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from kiosk_agent.local.door import Door
from kiosk_agent.local.programs import Children, Launch, Program, Programs

log = logging.getLogger(__name__)
LOOK_S = 0.1
CALM_LOOK_S = 0.4
"""How often to look while the window answers: each look wakes a machine that does nothing else."""
SILENT_S = 1.3
"""A window that answers no ping for this long hangs or was stopped; it is killed."""
BLIND_S = 1.9
"""After so long without a window the machine is locked until there is one."""
START_S = 20.0
"""How long a window may take to come up, on a slow machine."""
AGAIN_S = (0.0, 0.2, 1.0, 2.0)
"""Pauses before the next start of one that does not stay."""
STAYED_S = 30.0


class Keeper:
    """`lost` is called when nobody has seen a window for too long, `back` when one stands there again.

    `failed` is told each time that a window ended or hung, in a few words.
    """

    def __init__(
        self, door: Door, launch: Launch, pid_file: Path, *,
        lost: Callable[[], None], back: Callable[[], None], failed: Callable[[str], None],
        programs: Programs | None = None,
    ) -> None:  # fmt: skip
        self.starts = 0
        self._door = door
        self._launch = launch
        self._pid_file = pid_file
        self._programs = programs or Children()
        self._lost, self._back, self._failed = lost, back, failed
        self._blind = False
        self._seen_at = 0.0

    async def run(self) -> None:
        """Keep a window until cancelled; the last one ends then."""
        self._seen_at = self._now()
        blind = asyncio.create_task(self._watch_blindness())
        pid: int | None = await self._orphan()
        try:
            if pid is not None:
                try:
                    await self._until_gone(pid, None)
                finally:
                    self._programs.kill(pid)
            short_lives = 0
            while True:
                began = self._now()
                process = await self._start()
                try:
                    await self._until_gone(process.pid, process)
                finally:
                    await process.end()
                short_lives = 0 if self._now() - began > STAYED_S else short_lives + 1
                await asyncio.sleep(AGAIN_S[min(short_lives, len(AGAIN_S) - 1)])
        finally:
            blind.cancel()
            self._pid_file.unlink(missing_ok=True)

    # -------------------------------------------------------------- starting

    async def _orphan(self) -> int | None:
        """The window of an agent that died: it stands on its lock screen and comes by itself."""
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        if not self._programs.is_alive(pid):
            return None
        self._door.pid = pid
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BLIND_S):
                await self._door.met.wait()
                return pid
        return None

    async def _start(self) -> Program:
        self._door.met.clear()
        self.starts += 1
        process = await self._programs.start(self._launch)
        self._door.pid = process.pid
        self._pid_file.write_text(str(process.pid))
        return process

    # -------------------------------------------------------------- watching

    async def _until_gone(self, pid: int, process: Program | None) -> None:
        """Return when this window ended; one that hangs is killed."""
        began = self._now()
        greeted = False
        while True:
            window = self._door.window
            here = window is not None and window.peer.pid == pid
            greeted = greeted or here
            if process is not None and process.returncode is not None:
                self._tell(f"ended with {process.returncode}")
                return
            silent_s = self._now() - (window.heard_at if window and here else self._seen_at)
            if (greeted and silent_s > SILENT_S) or (not greeted and self._now() - began > START_S):
                self._tell("does not answer")
                self._programs.kill(pid)
                return
            await asyncio.sleep(CALM_LOOK_S if here and silent_s < SILENT_S / 2 else LOOK_S)

    async def _watch_blindness(self) -> None:
        while True:
            window = self._door.window
            if window is not None:
                self._seen_at = max(self._seen_at, window.heard_at)
            blind = self._now() - self._seen_at > BLIND_S
            if blind != self._blind:
                self._blind = blind
                log.warning("window_lost" if blind else "window_back")
                (self._lost if blind else self._back)()
            await asyncio.sleep(CALM_LOOK_S if self._now() - self._seen_at < BLIND_S / 2 else LOOK_S)

    def _tell(self, how: str) -> None:
        excused = self._door.is_excused
        log.log(
            logging.INFO if excused else logging.WARNING,
            "window_failed",
            extra={"how": how, "starts": self.starts},
        )
        if not excused:
            self._failed(f"the window {how}")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
