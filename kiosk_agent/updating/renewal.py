"""Works on an ordered update while nobody is at the machine, restarts into it, and tells what came of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kiosk_agent.effects import Install
from kiosk_agent.updating import fetch, release, start
from kiosk_agent.updating.fetch import Interrupted, Server
from kiosk_agent.updating.release import UpdateRefused
from kiosk_agent.updating.slots import WITHIN_S, Slots, Update

log = logging.getLogger(__name__)
LOOK_S = 0.2
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
GIVE_UP = 60
"""After so many interruptions of one order it is refused; the longest waits make that an hour."""


class Renewed(Protocol):
    """What an update needs of the agent."""

    @property
    def at_rest(self) -> bool:
        """Nobody is at the machine, and nothing is under way."""

    @property
    def is_linked(self) -> bool:
        """The broker is reached."""

    def updated(self, command: str, reason: str | None) -> None:
        """Answer the order; `reason` says why not."""

    def failed_update(self, detail: str) -> None:
        """Tell a human."""

    def stop(self) -> None:
        """End cleanly; whoever started us starts us again."""


@dataclass(frozen=True)
class Source:
    """Where releases come from, whose signature counts, and where the slots are."""

    server: Server
    public_key: bytes
    folder: Path
    within_s: int = WITHIN_S


class Renewal:
    """The updates of one agent, which runs in version `running`."""

    def __init__(self, source: Source, running: str, slots: Slots | None = None) -> None:
        self._source = source
        self._slots = slots or Slots(source.folder)
        self._running = running
        self._wake = asyncio.Event()

    def order(self, wanted: Install) -> bool:
        """Take an order. True when there is nothing to do for it. Raises UpdateRefused, or OSError."""
        if wanted.version == self._running:
            return True
        if release.is_older(wanted.version, self._running) and not wanted.downgrade:
            raise UpdateRefused("older_version", f"{wanted.version} is older than {self._running}")
        if self._slots.update() is not None:
            raise UpdateRefused("busy", "another update is under way")
        self._slots.current  # noqa: B018 - raises where there are none
        self._slots.keep(
            Update(
                stage="wanted", command=wanted.command, version=wanted.version, sha256=wanted.sha256,
                within_s=self._source.within_s,
            )
        )  # fmt: skip
        self._wake.set()
        return False

    async def run(self, agent: Renewed) -> None:
        """Until cancelled: first tell what became of the update that we are, or were not, then take others."""
        await self._conclude(agent)
        while True:
            wanted = self._slots.update()
            if wanted is None:
                self._wake.clear()
                await self._wake.wait()
            else:
                await self._work(agent, wanted)

    # -------------------------------------------------------------- what came of it

    async def _conclude(self, agent: Renewed) -> None:
        """A version on trial is up once it is locked and has reached the broker."""
        update = self._slots.update()
        if update is None or update.stage == "wanted":
            return
        await _until(lambda: agent.is_linked)
        came_up = update.stage == "trial" and self._slots.current == update.slot
        if came_up:
            start.came_up()
        log.info("updated" if came_up else "rolled_back", extra={"version": update.version})
        self._forget()
        if not came_up:
            agent.failed_update(f"{update.version} did not come up; {self._running} runs again")
        agent.updated(update.command, None if came_up else "rolled_back")

    # -------------------------------------------------------------- the way to it

    async def _work(self, agent: Renewed, wanted: Update) -> None:
        """Go on with it until it is on trial or refused. Whatever interrupts it, it begins where it was."""
        wait_s = FIRST_WAIT_S
        for _ in range(GIVE_UP):
            await _until(lambda: agent.at_rest)
            try:
                await asyncio.to_thread(self._prepare, agent, wanted)
                if agent.at_rest:
                    self._slots.switch(wanted)
                    agent.stop()
                    await asyncio.Event().wait()
            except Interrupted as interrupted:
                log.info("update_interrupted", extra={"why": str(interrupted)})
            except (UpdateRefused, OSError) as error:
                self._refuse(agent, wanted, error)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        self._refuse(agent, wanted, UpdateRefused("unreachable"))

    def _prepare(self, agent: Renewed, wanted: Update) -> None:
        """In a thread. The signature is checked before anything is fetched, the digest before it is installed."""
        source = self._source
        found = fetch.find(source.server, wanted.version, wanted.sha256)
        release.check(found, source.public_key)
        wheel = fetch.download(source.server, found, source.folder / "downloads", lambda: agent.at_rest)
        self._slots.prepare(wheel, wanted.version, lambda: agent.at_rest)

    def _refuse(self, agent: Renewed, wanted: Update, error: UpdateRefused | OSError) -> None:
        log.error("update_refused", extra={"version": wanted.version, "error": str(error)})
        self._forget()
        agent.updated(wanted.command, error.reason if isinstance(error, UpdateRefused) else "storage")

    def _forget(self) -> None:
        try:
            self._slots.forget()
        except OSError as error:
            log.error("update_not_forgotten", extra={"error": str(error)})


async def _until(what: Callable[[], bool]) -> None:
    while not what():  # noqa: ASYNC110 - what is waited for is the state of the whole machine
        await asyncio.sleep(LOOK_S)
