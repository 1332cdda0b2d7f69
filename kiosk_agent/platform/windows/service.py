"""Hosts the agent as a Windows service, by the interpreter itself: no `pythonservice.exe` and its registry.

Windows has no watchdog for services. A loop that stands still ends the process, and the service's recovery
starts it again; what is unlocked goes on from disk, what is locked stays so.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)
NAME = "PostePublicManager"
TITLE = "Poste Public Manager"
ABOUT = "Lends this computer by the minute: locks it, counts the time, wipes what visitors leave."
AGAIN_AFTER_MS = (500, 1_000, 5_000)
"""Pauses before the service is started again; the last one for all that follow."""
LOOK_S = 5.0
STILL_LOOKS = 4
"""So many looks without a beat between them: a machine that slept has missed none."""
HUNG = 70

Work = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


class Heart:
    """Beats in the loop; `watch` runs beside it, in a thread, and ends the process when it stands still."""

    def __init__(self, end: Callable[[int], object] = os._exit, look_s: float = LOOK_S) -> None:
        self._end = end
        self._look_s = look_s
        self._beats = 0
        self._stopped = threading.Event()

    async def beat(self) -> None:
        """For ever."""
        while True:
            self._beats += 1
            await asyncio.sleep(self._look_s / 5)

    def watch(self) -> None:
        """Until stopped."""
        seen = still = 0
        while not self._stopped.wait(self._look_s):
            still = still + 1 if self._beats == seen else 0
            seen = self._beats
            if still >= STILL_LOOKS:
                log.critical("loop_stands_still")
                self._end(HUNG)
                return

    def stop(self) -> None:
        self._stopped.set()


class EndedByItself(Exception):
    """The work is over and nobody stopped the service: Windows starts it again, in another version perhaps."""


class Host:
    """Runs the work in a loop of its own. `stop` may be called from any thread."""

    def __init__(self, work: Work, heart: Heart | None = None) -> None:
        self._work = work
        self._heart = heart or Heart()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._wanted = threading.Event()

    def run(self) -> None:
        """Until stopped. Raises what the work raises, or EndedByItself."""
        watching = threading.Thread(target=self._heart.watch, name="heart", daemon=True)
        watching.start()
        try:
            # The loop that knows add_reader on every system: the connection to the broker needs it.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._be())
        finally:
            self._heart.stop()
            watching.join()
        if not self._wanted.is_set():
            raise EndedByItself

    def stop(self) -> None:
        self._wanted.set()
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _be(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self._wanted.is_set():
            self._stop.set()
        beating = asyncio.create_task(self._heart.beat(), name="heart")
        try:
            await self._work(self._stop)
        finally:
            beating.cancel()


def serve(work: Work) -> None:
    """Be the service: called by the program that Windows starts, returns when the service was stopped."""
    import servicemanager
    import win32service
    import win32serviceutil

    host = Host(work)

    class Service(win32serviceutil.ServiceFramework):
        """What the service control talks to. An error that leaves SvcDoRun is a failure, and starts it again."""

        _svc_name_ = NAME
        _svc_display_name_ = TITLE

        def SvcStop(self) -> None:  # noqa: N802 - pywin32's name
            self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, 10_000)
            host.stop()

        def SvcShutdown(self) -> None:  # noqa: N802
            host.stop()

        def SvcDoRun(self) -> None:  # noqa: N802
            host.run()

    servicemanager.Initialize(NAME, None)
    servicemanager.PrepareToHostSingle(Service)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]
