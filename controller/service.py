"""Serving what postes ask and tell: each kind by its use case, many postes side by side, one at a time per poste."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Container, Coroutine, Iterator, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiomqtt import MqttError

from controller.clock import DatabaseClock
from controller.deadlines import Deadlines
from controller.desk import DatabaseTrouble, Desk
from controller.from_kiosks import Inbox
from controller.noting import Unkept
from controller.presence import Presence
from controller.to_kiosks import Sender
from fleet.database.failures import described, traced
from fleet.database.outbox import Wanted
from fleet.domain.errors import LeaseLost, NotFound, Refused
from fleet.domain.reasons import sentence
from fleet.usecases import acks, commands, events, extensions, kiosk
from fleet.usecases.desired import message
from protocol import messages, topics

T = TypeVar("T")
log = logging.getLogger(__name__)
AT_ONCE = 200
RETRY_S = 0.3
ORDER_AGAIN_S = 10.0
"""When an order that its poste was not ready for is sent again: long after it was marked as sent (MARK_S)."""


@dataclass
class Service:
    """Answers the postes of one site."""

    desk: Desk
    clock: DatabaseClock
    inbox: Inbox
    presence: Presence
    sender: Sender
    deadlines: Deadlines
    postes: Callable[[], dict[str, int]]
    heard_before: dict[int, datetime]
    applied: dict[int, int] = field(default_factory=dict)
    """The newest rev that each poste does, as far as it was read from the database."""
    unkept: Unkept = field(default_factory=Unkept)

    async def run(self) -> None:
        """Serve for as long as the driver lives."""
        async with asyncio.TaskGroup() as group:
            busy: set[str] = set()
            resyncing = told = noting = refusing = telling = releasing = None
            while True:
                await self.inbox.woken.wait()
                self.inbox.woken.clear()
                for slug in [slug for slug in self.inbox.requests if slug not in busy]:
                    busy.add(slug)
                    group.create_task(self._requests(slug, busy), name=f"requests of {slug}")
                if self.inbox.resyncs and (resyncing is None or resyncing.done()):
                    resyncing = group.create_task(
                        self._many(self.inbox.resyncs, self._resyncs), name="resyncs"
                    )
                if self.inbox.acks and (told is None or told.done()):
                    told = group.create_task(self._many(self.inbox.acks, self._acks), name="acks")
                if self.inbox.events and (noting is None or noting.done()):
                    noting = group.create_task(self._many(self.inbox.events, self._events), name="events")
                if self.inbox.time_refused and (telling is None or telling.done()):
                    telling = group.create_task(self._refusals(), name="refusals")
                if self.inbox.orders_wait and (releasing is None or releasing.done()):
                    releasing = group.create_task(self._releases(), name="releases")
                if self.inbox.unreadable and (refusing is None or refusing.done()):
                    refusing = group.create_task(self._unreadable(), name="unreadable")

    async def _requests(self, slug: str, busy: set[str]) -> None:
        row = self.inbox.requests[slug]
        try:
            while row:
                await self._alone(self._answer(slug, row.popleft()))
        finally:
            busy.discard(slug)
            if not row:
                self.inbox.requests.pop(slug, None)

    async def _many(self, waiting: Sized, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while waiting:
            await self._alone(serve())

    async def _alone(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a failure fail alone. What was taken is lost here, and said again by the postes."""
        try:
            await work
        except LeaseLost:
            raise
        except (DatabaseTrouble, MqttError) as error:
            log.warning("postes_wait", extra={"error": str(error)})
            self.sender.wake(orders=False)  # it may be done all the same
            await asyncio.sleep(RETRY_S)
        except Exception as error:  # noqa: BLE001  the net of a loop; its words may hold data
            log.error("service_failed", extra=traced(error))

    async def _answer(self, slug: str, asked: messages.Request) -> None:
        poste_id = self.postes().get(slug)
        if poste_id is None:
            return
        try:
            reply = await self._decide(slug, poste_id, asked)
        except NotFound:
            return
        except Refused as refusal:
            reply = self._no(asked.id, asked.nonce, refusal)
        await self._say(slug, reply)

    async def _decide(self, slug: str, poste_id: int, asked: messages.Request) -> messages.Reply:
        if isinstance(asked, messages.Start):
            yes = await self.desk.do(kiosk.start, poste_id, asked)
            self.sender.told(yes.wanted)
        elif isinstance(asked, messages.Ending):
            yes = await self.desk.do(kiosk.ending, poste_id, asked)
        elif isinstance(asked, messages.Extend):
            await self.desk.do(kiosk.extend, poste_id, asked)
            return self._waiting(asked)
        else:
            yes = await self.desk.do(kiosk.resync, poste_id, asked, self._last_heard(slug, poste_id))
            self.presence.agreed(slug)
        self.deadlines.follow([yes.wanted])
        return self._yes(asked, yes.wanted)

    def _yes(self, asked: messages.Request, wanted: Wanted) -> messages.Reply:
        now = self.clock.now()
        told = message(wanted, self.sender.term, now)
        return messages.Accepted(id=asked.id, nonce=asked.nonce, server_time=now, desired=told)

    def _waiting(self, asked: messages.Request) -> messages.Reply:
        return messages.Waiting(
            id=asked.id,
            nonce=asked.nonce,
            server_time=self.clock.now(),
            fr=sentence("demande_transmise", "fr"),
            en=sentence("demande_transmise", "en"),
        )

    def _no(self, request_id: str, nonce: str, refusal: Refused) -> messages.Reply:
        return messages.Refused(
            id=request_id,
            nonce=nonce,
            server_time=self.clock.now(),
            reason=refusal.reason,
            fr=refusal.fr,
            en=refusal.en,
            retry_after_s=refusal.retry_after_s,
        )

    async def _say(self, slug: str, reply: messages.Reply) -> bool:
        """Whether the broker has it: what it has not is said again, or asked again."""
        try:
            return await self.sender.say(topics.REPLY, slug, reply)
        except MqttError:
            log.info("reply_lost", extra={"poste": slug})
            return False

    async def _resyncs(self) -> None:
        known = self.postes()
        taken = tuple(self.inbox.resyncs)[:AT_ONCE]
        asked = {slug: self.inbox.resyncs.pop(slug) for slug in taken}
        told = [(known[s], one, self._last_heard(s, known[s])) for s, (one, _) in asked.items() if s in known]
        heard_at = [heard for s, (_, heard) in asked.items() if s in known]
        answers = await self.desk.do(kiosk.resync_all, told, heard_at)
        self._note([yes.wanted for yes in answers.values()])
        for slug in asked:
            self.presence.agreed(slug)
        replies = [
            (s, self._yes(one, answers[known[s]].wanted))
            for s, (one, _) in asked.items()
            if known.get(s) in answers
        ]
        try:
            await self.sender.say_all(topics.REPLY, replies)
        except MqttError:
            log.info("replies_lost", extra={"postes": len(replies)})
        self.look_for_orders()

    async def _acks(self) -> None:
        known = self.postes()
        taken = [self.inbox.acks.popleft() for _ in range(min(AT_ONCE, len(self.inbox.acks)))]
        await self._each_at_worst(self.inbox.acks, taken, lambda some: self._keep_acks(known, some))

    async def _each_at_worst(
        self, row: deque[T], taken: list[T], keep: Callable[[list[T]], Coroutine[Any, Any, None]]
    ) -> None:
        """Keep all at once; what waits for the database is put back; what cannot be kept fails alone."""
        try:
            await keep(taken)
        except DatabaseTrouble:
            row.extendleft(reversed(taken))
            raise
        except LeaseLost:
            raise
        except Exception:
            if len(taken) == 1:
                raise
            for one in taken:
                await self._alone(keep([one]))

    async def _keep_acks(self, known: dict[str, int], taken: list[tuple[str, messages.Ack, float]]) -> None:
        applied = {
            (known[slug], ack.rev, ack.status): (known[slug], ack, heard)
            for slug, ack, heard in taken
            if ack.id == acks.DESIRED and slug in known and not self._is_kept(known[slug], ack)
        }
        if applied:
            told = [(poste_id, ack) for poste_id, ack, _ in applied.values()]
            heard_at = [heard for _, _, heard in applied.values()]
            self._note(await self.desk.do(acks.applied, told, heard_at))
        for _, ack, _ in taken:
            if ack.id != acks.DESIRED and await self.desk.do(acks.command, ack, ack.status):
                asyncio.get_running_loop().call_later(ORDER_AGAIN_S, self.look_for_orders)

    def _note(self, wanted: list[Wanted]) -> None:
        self.deadlines.follow(wanted)
        self.applied |= {one.poste_id: one.applied_rev for one in wanted}

    def _is_kept(self, poste_id: int, ack: messages.Ack) -> bool:
        """Whether the database has it that the poste does this, so that saying it again changes nothing.

        Each poste says so to each new controller, in answer to what it is answered.
        """
        return ack.status == "done" and ack.rev <= self.applied.get(poste_id, -1)

    async def _events(self) -> None:
        known = self.postes()
        taken = [self.inbox.events.popleft() for _ in range(min(AT_ONCE, len(self.inbox.events)))]
        await self._each_at_worst(self.inbox.events, taken, lambda some: self._keep_events(known, some))

    async def _keep_events(self, known: dict[str, int], taken: list[tuple[str, messages.Event]]) -> None:
        try:
            await self.desk.do(
                events.happened, [(known[slug], told) for slug, told in taken if slug in known]
            )
        except (DatabaseTrouble, LeaseLost):
            raise
        except Exception as error:
            if len(taken) > 1 or not self.unkept.failed(*taken[0]):
                raise
            log.error("event_given_up", extra={"poste": taken[0][0], "n": taken[0][1].n, **described(error)})
        newest: dict[tuple[str, str], int] = {}
        for slug, told in taken:
            self.unkept.settled(slug, told)
        for slug, told in taken:
            if self.unkept.notable(slug, told):
                newest[slug, told.boot] = max(told.n, newest.get((slug, told.boot), 0))
        for (slug, boot), n in newest.items():
            await self._say(slug, messages.Noted(boot=boot, n=n, server_time=self.clock.now()))

    async def _refusals(self) -> None:
        """The desk has refused the time that visitors asked for: told at least once."""
        while self.inbox.time_refused:
            await self._alone(self._tell_refusals())

    async def _tell_refusals(self) -> None:
        self.inbox.time_refused = False
        try:
            told = [
                one.id
                for one in await self.desk.look(extensions.untold, self.desk.tenure.lease.site_id)
                if await self._say(one.slug, self._no(one.request_id, one.nonce, Refused(extensions.REFUSED)))
            ]
            if told:
                await self.desk.do(extensions.told, told)
        except DatabaseTrouble:
            self.inbox.time_refused = True
            raise

    def look_for_orders(self) -> None:
        """Orders may wait for postes that are back: since a resync was answered they know what time it is."""
        self.inbox.orders_wait = True
        self.inbox.woken.set()

    async def _releases(self) -> None:
        while self.inbox.orders_wait:
            await self._alone(self._release())

    async def _release(self) -> None:
        self.inbox.orders_wait = False
        try:
            waiting = await self.desk.look(commands.waiting, self.desk.tenure.lease.site_id)
            if waiting:
                await self.desk.do(commands.release, dict(self._present(waiting)))
        except DatabaseTrouble:
            self.inbox.orders_wait = True
            raise

    def _present(self, poste_ids: Container[int]) -> Iterator[tuple[int, str]]:
        """Those that are there and in agreement, with the starts of their machines."""
        for slug, poste_id in self.postes().items():
            one = self.presence.of(slug)
            if poste_id in poste_ids and one.online and one.boot is not None and not one.returned:
                yield poste_id, one.boot

    async def _unreadable(self) -> None:
        while self.inbox.unreadable:
            if not self.sender.is_linked:  # what was retained comes before we may speak
                await asyncio.sleep(RETRY_S)
                continue
            slug, named, reason = self.inbox.unreadable.popleft()
            request_id, _, nonce = named.partition(" ")
            await self._say(slug, self._no(request_id, nonce, Refused(reason)))

    def _last_heard(self, slug: str, poste_id: int) -> datetime | None:
        worked = self.presence.last_worked(slug)
        if worked is None:
            return self.heard_before.get(poste_id)
        return self.clock.now() - timedelta(seconds=time.monotonic() - worked)
