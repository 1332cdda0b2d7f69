"""Keeping who is there: changes at once, heartbeats in batches, silence noticed, the offline rule applied."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.clock import DatabaseClock
from controller.desk import DatabaseTrouble, Desk
from controller.from_kiosks import Inbox
from controller.presence import Presence
from controller.to_kiosks import Sender
from fleet.usecases import kiosk, sending
from fleet.usecases import presence as memory
from fleet.usecases.sending import Place

log = logging.getLogger(__name__)
FLUSH_S = 5.0
GATHER_S = 0.02
RETRY_S = 0.5
UNHEARD_S = 8.0
"""How long after a connection a poste may take to come back, before it counts as gone."""


@dataclass
class Watch:
    """Writes down the presence of one site's postes."""

    desk: Desk
    clock: DatabaseClock
    inbox: Inbox
    presence: Presence
    sender: Sender
    place: Callable[[], Place]
    heard_before: dict[int, datetime]
    _suspects: dict[str, float] = field(default_factory=dict)
    _settle_at: float | None = None

    async def run(self) -> None:
        """Write for as long as the driver lives; what is left is written at its end."""
        next_beats = time.monotonic() + FLUSH_S
        try:
            while True:
                await self._pause(next_beats)
                await self._safely(self._write_moved)
                await self._safely(self._write_phases)
                await self._safely(self._write_infos)
                await self._safely(self._write_twins)
                await self._safely(self._apply_offline_rule)
                self._take_unheard_as_gone()
                if time.monotonic() >= next_beats:
                    next_beats = time.monotonic() + FLUSH_S
                    self._moved(self.presence.silent(time.monotonic()))
                    await self._safely(self._write_beats)
        finally:
            await asyncio.shield(self._safely(self._write_beats))

    async def _pause(self, until: float) -> None:
        """Until something stirred (gathered for a moment), a suspect is due, or the next flush."""
        due = min([until, self._settle_at or until, *self._suspects.values()])
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self.inbox.stirred.wait()
                await asyncio.sleep(GATHER_S)
        except TimeoutError:
            return
        self.inbox.stirred.clear()

    def broker_lost(self) -> None:
        """Nobody knows who is there, until they are heard again."""
        self._suspects.clear()
        self._settle_at = None
        self._moved(self.presence.lose_all())

    def settle_unheard(self) -> None:
        """All that was retained is known: postes that stay without a word for a while are not there."""
        self._settle_at = time.monotonic() + UNHEARD_S
        self.inbox.stirred.set()

    def _take_unheard_as_gone(self) -> None:
        if self._settle_at is None or time.monotonic() < self._settle_at:
            return
        self._settle_at = None
        known = self.place().postes
        self._moved(slug for slug in known if self.presence.of(slug).online is None)
        for slug in known:
            one = self.presence.of(slug)
            if one.online is None:
                one.online = False

    def _moved(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            self.inbox.moved[slug] = None
        if self.inbox.moved:
            self.inbox.stirred.set()

    async def _safely(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except DatabaseTrouble as error:
            log.warning("presence_waits", extra={"error": str(error)})
            await asyncio.sleep(RETRY_S)

    async def _write_moved(self) -> None:
        known = self.place().postes
        slugs = [slug for slug in self.inbox.moved if slug in known]
        self.inbox.moved.clear()
        if not slugs:
            return
        try:
            await self.desk.do(memory.changed, [self._change(slug, known[slug]) for slug in slugs])
        except DatabaseTrouble:
            self._moved(slugs)
            raise
        for slug in slugs:
            self._suspect(slug)

    def _change(self, slug: str, poste_id: int) -> memory.Change:
        one = self.presence.of(slug)
        return memory.Change(poste_id, one.online, one.boot, one.connection or 0, self._instant(one.heard))

    def _suspect(self, slug: str) -> None:
        policy = self.place().site.policy
        if policy.offline == "suspend" and self.presence.of(slug).online is False:
            self._suspects.setdefault(slug, time.monotonic() + policy.offline_after_s)
        else:
            self._suspects.pop(slug, None)

    async def _apply_offline_rule(self) -> None:
        now = time.monotonic()
        for slug in [slug for slug, due in self._suspects.items() if due <= now]:
            one, poste_id = self.presence.of(slug), self.place().postes.get(slug)
            if one.online is False and poste_id is not None:
                last = self._instant(one.heard if one.worked is None else one.worked)
                last = last or self.heard_before.get(poste_id)
                if last is not None:
                    await self.desk.do(kiosk.offline, poste_id, last)
            self._suspects.pop(slug, None)

    async def _write_infos(self) -> None:
        known = self.place().postes
        told = {slug: one for slug, one in self.inbox.infos.items() if slug in known}
        self.inbox.infos.clear()
        if not told:
            return
        try:
            await self.desk.do(memory.infos, {known[slug]: one for slug, one in told.items()})
        except DatabaseTrouble:
            self.inbox.infos = {**told, **self.inbox.infos}
            raise

    async def _write_twins(self) -> None:
        """Somebody is told that two machines are one poste, until there is one again."""
        known, twins = self.place().postes, self.inbox.twins
        told = {known[slug]: twins.machines(slug) for slug in self.inbox.twinned if slug in known}
        over = [slug for slug in twins.over(time.monotonic()) if slug in known]
        if told or over:
            try:
                await self.desk.do(memory.twins, told, [known[slug] for slug in over])
            except DatabaseTrouble:
                twins.signs |= dict.fromkeys(over, 0.0)
                raise
        self.inbox.twinned.clear()

    async def _write_phases(self) -> None:
        known = self.place().postes
        slugs = [slug for slug in self.inbox.phases if slug in known]
        self.inbox.phases.clear()
        if slugs:
            await self.desk.do(memory.phases, self._beats(known, slugs))

    async def _write_beats(self) -> None:
        known = self.place().postes
        slugs = [slug for slug in self.inbox.beats if slug in known]
        self.inbox.beats.clear()
        if slugs:
            await self.desk.do(memory.beats, self._beats(known, slugs))
        behind = [
            known[slug] for slug in slugs if self.sender.overdue(known[slug], self.presence.of(slug).rev)
        ]
        if behind:
            log.info("postes_behind", extra={"postes": len(behind)})
            self.sender.submit(await self.desk.look(sending.some, behind))

    def _beats(self, known: Mapping[str, int], slugs: Sequence[str]) -> list[memory.Beat]:
        now, monotonic = self.clock.now(), time.monotonic()
        return [
            memory.Beat(
                known[slug],
                None if one.heard is None else now - timedelta(seconds=max(0.0, monotonic - one.heard)),
                one.phase,
                one.rev,
                one.remaining_ms,
                one.idle_s,
                one.load,
            )
            for slug in slugs
            for one in (self.presence.of(slug),)
        ]

    def _instant(self, heard: float | None) -> datetime | None:
        if heard is None:
            return None
        return self.clock.now() - timedelta(seconds=max(0.0, time.monotonic() - heard))
