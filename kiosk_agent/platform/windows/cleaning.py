"""Wipes what a visitor left, by the identity of the account that was lent, then looks again.

Names of files and documents are the visitor's own: what is told is kinds and numbers.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.windows import files, seats
from kiosk_agent.platform.windows.calls import Windows
from kiosk_agent.platform.windows.places import Places

log = logging.getLogger(__name__)
SEATED_S = 90.0
"""How long Windows may take to log on the account whose turn it is, which has a new profile."""
LOOK_S = 0.25


@dataclass(frozen=True)
class Find:
    """One thing that was left: how large, and how to wipe it."""

    bytes: int
    wipe: Callable[[], None]


@dataclass(frozen=True)
class Kind:
    """A kind of thing that a visitor may leave, and where it is looked for."""

    what: str
    look: Callable[[], Iterator[Find]]


class Cleaning:
    """One clean-up of one account. It blocks: it belongs into a thread."""

    def __init__(self, windows: Windows, places: Places, account: str) -> None:
        self._windows = windows
        self._places = places
        self._account = account
        self._sid = windows.sid(account)
        self._kinds: Sequence[Kind] = (
            Kind("processes", self._processes),
            Kind("sessions", self._sessions),
            Kind("profile", self._profile),
            Kind("recycle_bin", self._recycled),
            Kind("files", self._files),
            Kind("print_jobs", self._print_jobs),
            Kind("tasks", self._tasks),
            Kind("media", self._media),
        )

    def wipe(self) -> tuple[tuple[str, int, int], ...]:
        """Everything, kind by kind: (what, how many, bytes)."""
        return tuple(item for kind in self._kinds if (item := self._wiped(kind))[1])

    def leftovers(self) -> tuple[str, ...]:
        """The kinds of which there is still something, or of which nobody can tell."""
        return tuple(kind.what for kind in self._kinds if not self._is_clean(kind))

    def _wiped(self, kind: Kind) -> tuple[str, int, int]:
        """What can't be wiped is counted all the same, and found again by the second look."""
        count = size = 0
        try:
            for find in kind.look():
                count, size = count + 1, size + find.bytes
                _try(kind.what, find.wipe)
        except (PlatformError, OSError) as error:
            log.warning("not_seen", extra={"what": kind.what, "reason": _why(error)})
        return kind.what, count, size

    def _is_clean(self, kind: Kind) -> bool:
        try:
            return next(kind.look(), None) is None
        except (PlatformError, OSError) as error:
            log.warning("not_seen", extra={"what": kind.what, "reason": _why(error)})
            return False

    # -------------------------------------------------------------- the kinds

    def _processes(self) -> Iterator[Find]:
        for one in self._windows.processes():
            if one.sid == self._sid:
                yield Find(0, partial(self._windows.end, one.pid))

    def _sessions(self) -> Iterator[Find]:
        """With its session ends its clipboard."""
        for one in self._windows.seats():
            if one.account == self._account:
                yield Find(0, partial(self._windows.log_off, one.session))

    def _profile(self) -> Iterator[Find]:
        """The profile that Windows knows, then the folders that it forgot."""
        if folder := self._windows.profile(self._sid):
            yield Find(files.size(folder), partial(self._windows.delete_profile, self._sid))
        if self._windows.profile(self._sid) is None:
            for rest in self._places.profiles_of(self._account):
                yield Find(files.size(rest), partial(files.remove, rest))

    def _recycled(self) -> Iterator[Find]:
        for drive in self._windows.fixed_drives():
            if (bin_ := drive / "$Recycle.Bin" / self._sid).is_dir():
                yield Find(files.size(bin_), partial(files.remove, bin_))

    def _files(self) -> Iterator[Find]:
        for folder in self._places.shared(self._windows.fixed_drives()):
            for path, whose in files.of_owner(folder, self._owner, self._sid):
                yield Find(files.size(path), partial(files.remove, path) if whose else _leave)

    def _owner(self, path: Path) -> str | None:
        """None for what does not say whose it is: it may be the visitor's, and stays for a human to look at."""
        try:
            return self._windows.owner(path)
        except PlatformError:
            return None

    def _print_jobs(self) -> Iterator[Find]:
        for job in self._windows.print_jobs(self._account):
            yield Find(job.bytes, partial(self._windows.cancel_print, job))

    def _tasks(self) -> Iterator[Find]:
        for name, size in files.tasks_of(self._places.tasks, self._sid, self._account):
            yield Find(size, partial(self._windows.delete_task, name))

    def _media(self) -> Iterator[Find]:
        for drive in self._windows.removable_drives():
            yield Find(0, partial(self._windows.eject, drive))


def _try(what: str, wipe: Callable[[], None]) -> None:
    try:
        wipe()
    except (PlatformError, OSError) as error:
        log.warning("not_wiped", extra={"what": what, "reason": _why(error)})


def _why(error: PlatformError | OSError) -> str | None:
    """Without the path that an OSError tells."""
    return error.reason if isinstance(error, PlatformError) else error.strerror


def _leave() -> None:
    """Nobody knows whose it is: it is not wiped."""


async def clean(windows: Windows, places: Places) -> Attestation:
    """Let the other account in, wipe the one that was lent, and look again. Raises PlatformError."""
    began = time.monotonic()
    leaving = await asyncio.to_thread(seats.whose_turn, windows)
    coming = seats.other(leaving)
    await asyncio.to_thread(seats.invite, windows, coming)
    cleaning = await asyncio.to_thread(Cleaning, windows, places, leaving)
    items = await asyncio.to_thread(cleaning.wipe)
    seated = await _seated(windows, coming)
    leftovers = await asyncio.to_thread(cleaning.leftovers)
    return Attestation(
        round((time.monotonic() - began) * 1000), items, leftovers if seated else (*leftovers, "no_session")
    )


async def _seated(windows: Windows, account: str) -> bool:
    """Whether Windows has logged this account on."""
    until = time.monotonic() + SEATED_S
    while True:
        here = await asyncio.to_thread(seats.seat, windows)
        if here is not None and here.account == account:
            return True
        if time.monotonic() > until:
            return False
        await asyncio.sleep(LOOK_S)
