"""Keeps the postes' files of one broker as the database has them: woken by what is committed, not by the clock."""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fleet.database.engine import DatabaseDown
from fleet.database.failures import described
from fleet.database.follow import follow
from fleet.database.news import IDENTITIES, POSTES, News
from fleet.usecases import identities
from fleet.usecases.fleet import Fleet
from ppm import broker_files
from ppm.cli import CommandFailed

log = logging.getLogger(__name__)
GATHER_S = 0.1
"""How long what changes at the same time is gathered: a broker stands still while it reads its files."""
PAUSE_S = 0.5
"""At least so long after each reading, however much changes: many machines that enrol are let in together."""
RETRY_S = 1.0
DOWN_S = 5.0
"""How often a broker that was not there is looked for: it may have read the files just before they were written."""
LOCK = ".follow"


class Keeper:
    """Writes the files and has the broker read them. `kept` is set once they were brought up to date."""

    def __init__(self, fleet: Fleet, folder: Path, data: Path, root: str) -> None:
        self._fleet, self._folder, self._data, self._root = fleet, folder, data, root
        self._changed = asyncio.Event()
        self._unread = True
        self.kept = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(self._fleet.database, self._told), name="news")
            group.create_task(self._keep(), name="files")

    def _told(self, news: tuple[News, ...]) -> None:
        if any(one.topic in (IDENTITIES, POSTES, "all") for one in news):
            self._changed.set()

    async def _keep(self) -> None:
        while True:
            await self._until_changed()
            await asyncio.sleep(GATHER_S)
            self._changed.clear()
            try:
                await asyncio.to_thread(self._bring_up_to_date)
                self.kept.set()
                await asyncio.sleep(PAUSE_S)
            except (DBAPIError, DatabaseDown, PoolTimeout, OSError) as error:
                log.error("broker_files_wait", extra=described(error))
                self._unread = True  # what was written before it failed may be unread
                self._changed.set()
                await asyncio.sleep(RETRY_S)

    async def _until_changed(self) -> None:
        """Or until a broker that was not there is to be looked for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DOWN_S if self._unread and self.kept.is_set() else None):
                await self._changed.wait()

    def _bring_up_to_date(self) -> None:
        """What a crash left between writing and reading is read too: the first time the broker always reads."""
        if not self.kept.is_set():
            identities.adopt(self._fleet, broker_files.hashes(self._folder))
        accounts = identities.accounts(self._fleet)
        changed = broker_files.rewrite(self._folder, accounts, self._root)
        if not (changed or self._unread):
            return
        self._unread = not broker_files.reload(self._data)
        if changed or not self._unread:
            log.info("broker_files_written", extra={"postes": len(accounts), "broker_runs": not self._unread})


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one program. Raises CommandFailed where another holds it, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(f"{folder}: another program keeps these files already") from None
        yield
    finally:
        os.close(descriptor)
