"""One site, driven: its connection to the broker, its postes, its deadlines.

    connect -> subscribe to what is said now -> say who drives, serve
            -> subscribe to what is retained -> (it arrives) -> publish what differs from the database

Deadlines go on when the broker is lost; the connection comes back with a jittered back-off. A driver lives as long
as its lease: LeaseLost ends it.
"""

import asyncio
import contextlib
import gc
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta

from aiomqtt import MqttError, Will

from controller import link, waking
from controller.clock import DatabaseClock
from controller.deadlines import Deadlines
from controller.desk import DatabaseTrouble, Desk
from controller.from_kiosks import Inbox, Receiver
from controller.presence import Presence
from controller.promises import Promises
from controller.reconcile import Retained
from controller.service import Service
from controller.tenure import Tenure
from controller.to_kiosks import WINDOW, Sender
from controller.watch import Watch
from fleet.database import outbox
from fleet.database.news import CODES, COMMANDS, CONFIG, DESIRED, EXTENSIONS, POSTES, News
from fleet.database.outbox import Wanted
from fleet.domain.errors import Refused
from fleet.usecases import config, endings, presence, sending
from fleet.usecases.fleet import Fleet
from protocol import codec, messages, topics
from protocol.version import PROTOCOL

log = logging.getLogger(__name__)
BATCH = 250
AT_ONCE = 4 * BATCH
SIDE_BY_SIDE = 2
PACE_S = 0.004
RETRY_S = 0.3
LONGEST_PAUSE_S = 5.0
SYNC_TIMEOUT_S = 30.0
SOME = 1_000
"""How many postes are looked up at once: what is urgent does not wait behind a whole site."""
CREDIBLE_S = 30 * 86_400
"""How far above the seconds since 1970 a term can honestly be: it rises by one at each take-over."""


@dataclass(frozen=True)
class Parts:
    """What every driver of a controller shares."""

    fleet: Fleet
    broker: link.BrokerAddress
    clock: DatabaseClock
    executor: Executor
    name: str
    root: str = topics.DEFAULT_ROOT
    software: str = ""
    wake_to: tuple[waking.Target, ...] = waking.EVERYONE


@dataclass
class SiteDriver:
    """Drives one site under one lease. `driving` is set while postes are being served."""

    parts: Parts
    tenure: Tenure
    driving: asyncio.Event = field(default_factory=asyncio.Event)
    driving_changed: Callable[[], None] = lambda: None
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    _steady: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Drive until cancelled. Raises an exception group with LeaseLost when another has taken over."""
        await self._load()
        async with asyncio.TaskGroup() as group:
            for name, work in {
                "link": self._keep_link(),
                "service": self._service.run(),
                "deadlines": self._keep_deadlines(),
                "codes": self._keep_codes(),
                "presence": self._watch.run(),
                "hours": self._keep_hours(),
                "promises": self._promises.run(),
            }.items():
                group.create_task(work, name=f"{name} of site {self.tenure.lease.site_id}")

    async def _load(self) -> None:
        self.desk = Desk(self.parts.fleet, self.parts.executor, self.tenure)
        site_id = self.tenure.lease.site_id
        self.place = await self.desk.look(sending.place, site_id)
        self._status_path = topics.controller_status(self.place.site.slug, self.parts.root)
        self.presence, self.inbox = Presence(), Inbox()
        self.deadlines = Deadlines(self.parts.clock)
        self.sender = Sender(
            self.desk,
            self.parts.clock,
            self.deadlines,
            self.place.site.slug,
            self.parts.root,
            self.parts.wake_to,
        )
        heard = await self.desk.look(presence.heard, site_id)
        twinned = await self.desk.look(presence.twinned, site_id)
        self.inbox.twins.signs |= dict.fromkeys(twinned, time.monotonic())
        self._service = Service(
            self.desk,
            self.parts.clock,
            self.inbox,
            self.presence,
            self.sender,
            self.deadlines,
            lambda: self.place.postes,
            heard,
        )
        self._watch = Watch(
            self.desk, self.parts.clock, self.inbox, self.presence, self.sender, lambda: self.place, heard
        )
        self._receiver = Receiver(
            self.place.site.slug,
            self.parts.root,
            self.presence,
            self.inbox,
            lambda slug: slug in self.place.postes,
        )
        self._codes_changed, self._config_changed = asyncio.Event(), asyncio.Event()
        self._promises = Promises(self.desk, self.parts.clock)
        self._retained: Retained | None = None
        await self.desk.do(endings.wait_for_confirmations)
        await self._arm_all()
        self._steady.set()
        self.loaded.set()

    async def _arm_all(self) -> None:
        self.deadlines.remember()
        armed = await self.desk.look(endings.armed, self.tenure.lease.site_id)
        self.deadlines.fill((one.session_id, one.due_at) for one in armed)

    # ------------------------------------------------------------ news

    def told(self, news: Iterable[News]) -> None:
        """Something of this site was committed, by us or by others."""
        for one in news:
            self._promises.told(one)
            everything = one.topic == "all"
            if everything or one.topic == CODES:
                self._codes_changed.set()
            if everything or one.topic in (CONFIG, POSTES):
                self._config_changed.set()
            if everything or one.topic == EXTENSIONS:
                self.inbox.time_refused = True
                self.inbox.woken.set()
            if everything or one.topic == COMMANDS:
                self._service.look_for_orders()
            if (carried := outbox.carried(one)) is not None:
                self.sender.told(carried)
            elif everything or one.topic in (DESIRED, POSTES):
                self.sender.wake(orders=everything)
            if one.topic == COMMANDS:
                self.sender.wake(states=False)

    async def sweep(self) -> None:
        """The safety net: arm again what should be armed, look again at what should be sent."""
        await self._arm_all()
        self.told([News(self.tenure.lease.site_id, "all")])

    def hold(self) -> None:
        """The database's clock has jumped: nothing ends until the deadlines have moved along."""
        self._steady.clear()

    async def clock_stepped(self, step_s: float) -> None:
        """Real time has not jumped: move the deadlines by the step, then ask the postes what they count."""
        log.error("clock_stepped", extra={"site_id": self.tenure.lease.site_id, "step_s": round(step_s, 3)})
        while True:
            try:
                await self.desk.do(endings.shift, timedelta(seconds=step_s))
                await self._arm_all()
                break
            except DatabaseTrouble:
                await asyncio.sleep(RETRY_S)
        self._steady.set()
        with contextlib.suppress(MqttError):
            await self._ask_everyone()

    async def _ask_everyone(self) -> None:
        command = messages.AskResync(
            id=secrets.token_hex(8), term=self.sender.term, issued_at=self.parts.clock.now(), ttl_ms=10_000
        )
        path = topics.all_postes_command(self.place.site.slug, self.parts.root)
        await self.sender.publish(path, codec.encode(command), 1, False)

    # ------------------------------------------------------------ the connection

    async def _keep_link(self) -> None:
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                # In a task of its own: in Python 3.11 a group that failed leaves its task "being cancelled" for ever.
                await asyncio.create_task(self._linked(), name="linked")
            except* (MqttError, DatabaseTrouble, TimeoutError) as lost:
                log.warning(
                    "broker_lost", extra={"site": self.place.site.slug, "error": str(lost.exceptions[0])}
                )
            finally:
                self.driving.clear()
                self.driving_changed()
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError  # a link that is lost while we stop must not hide that we stop
            self._watch.broker_lost()
            pause = 0.1 if time.monotonic() - started > 10 else min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))

    async def _linked(self) -> None:
        await self.tenure.sure()
        site = self.place.site.slug
        status = self._status_path
        will = Will(status, codec.encode(self._status(online=False)), 1, True)
        identifier = f"ppm-{self.parts.name}-{site}-{self.run_id}"
        self._retained = Retained(self.parts.root)
        async with link.connection(self.parts.broker, identifier, will, self._receive) as client:
            await client.subscribe(self._topics(retained=False))
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.until_lost(client), name="until lost")
                    group.create_task(self._drive(client), name="drive")
            except asyncio.CancelledError:
                await client.publish(status, codec.encode(self._status(online=False)), 1, True)
                raise

    def _topics(self, *, retained: bool) -> list[tuple[str, int]]:
        site, root = self.place.site.slug, self.parts.root
        ups = [one for one in topics.TOPICS if one.publisher == "poste" and one.retained is retained]
        # What is retained is read again after each loss: at QoS 0 there is nothing to acknowledge, 50,000 times.
        return [(topic.path(site, "+", root), 0 if retained else topic.qos) for topic in ups]

    def _downs(self) -> list[str]:
        kept = (topics.SESSION, topics.CONFIG)
        return [topic.path(self.place.site.slug, "+", self.parts.root) for topic in kept]

    async def _drive(self, client: link.Link) -> None:
        retained = self._retained or Retained(self.parts.root)
        await self._give_time_to_confirm()
        async with asyncio.TaskGroup() as group:
            # Visitors wait: whoever asks is answered while what was retained is still coming in.
            group.create_task(self.sender.run(client), name="sender")
            await client.publish(self._status_path, codec.encode(self._status(online=True)), 1, True)
            await self._read_retained(client, retained)
            await self._reconcile(client, retained)
            gc.collect()
            gc.freeze()  # what a site consists of stays: looking through it takes 50 ms at 100,000 sessions
            group.create_task(self._publish_config(client, retained), name="config")
            self.driving.set()
            self.driving_changed()
            self.told(
                [News(self.tenure.lease.site_id, EXTENSIONS)]
            )  # what was refused with nobody to tell it
            log.info("driving", extra={"site": self.place.site.slug, "term": self.sender.term})

    async def _give_time_to_confirm(self) -> None:
        if await self.desk.do(endings.wait_for_confirmations):
            await self._arm_all()

    async def _read_retained(self, client: link.Link, retained: Retained) -> None:
        """What postes said last, and what they were told last."""
        await client.subscribe([(self._status_path, 1)])
        # One by one: what is said now comes between them, and not behind all of it.
        for path, qos in [*self._topics(retained=True), *((path, 0) for path in self._downs())]:
            await client.subscribe([(path, qos)])
        # All that was retained comes before this echo.
        await client.publish(self._status_path, codec.encode(self._status(online=True)), 1, True)
        async with asyncio.timeout(SYNC_TIMEOUT_S):
            await retained.complete.wait()
        await client.unsubscribe(self._downs())

    async def _reconcile(self, client: link.Link, retained: Retained) -> None:
        """Bring the broker in line with the database, which is the truth."""
        await self._raise_term()
        revs = await self.desk.look(sending.revs, self.tenure.lease.site_id)
        # An acknowledgement that was lost with the controller before us is said again for a new term.
        behind = [
            one.poste_id for one in revs if one.applied < one.rev or retained.differs(one.slug, one.rev)
        ]
        for start in range(0, len(behind), SOME):
            self.sender.submit(await self.desk.look(sending.some, behind[start : start + SOME]))
        for path in retained.orphans(self.place.site.slug, self.parts.root, self.place.postes):
            await client.publish(path, b"", 1, True)
        self._watch.settle_unheard()

    async def _raise_term(self) -> None:
        credible = int(self.parts.clock.now().timestamp()) + CREDIBLE_S
        highest = self.presence.highest_term(credible)
        if highest > self.tenure.lease.term:
            raised = await self.desk.do(sending.raise_term, highest + 1)
            if raised is not None:
                self.tenure.lease = raised
                log.warning("term_raised", extra={"site": self.place.site.slug, "term": raised.term})

    def _status(self, *, online: bool) -> messages.ControllerStatus:
        return messages.ControllerStatus(
            online=online,
            controller=self.parts.name,
            term=self.tenure.lease.term,
            protocol=PROTOCOL,
            software=self.parts.software,
            run=self.run_id,
        )

    def _receive(self, path: str, payload: bytes, retained: bool) -> None:
        if path == self._status_path:
            self._own_status(payload, retained)
        elif self._retained is None or not self._retained.take(path, payload, retained):
            self._receiver.receive(path, payload, retained)

    def _own_status(self, payload: bytes, retained: bool) -> None:
        try:
            told = codec.decode_controller_status(payload)
        except codec.BadMessage:
            return
        if retained or self._retained is None:
            return  # we have said it since
        if told.run == self.run_id and told.online:
            self._retained.complete.set()
        elif told.run != self.run_id and self._retained.complete.is_set():
            # The late will of the one before us: say again who drives.
            again = codec.encode(self._status(online=True))
            self._say_again = asyncio.ensure_future(self.sender.publish(self._status_path, again, 1, True))

    # ------------------------------------------------------------ configuration and postes

    async def _publish_config(self, client: link.Link, retained: Retained) -> None:
        while True:
            payload = codec.encode(config.message(self.place.site, self.parts.clock.now()))
            behind = [slug for slug in self.place.postes if retained.configs.get(slug) != payload]
            for start in range(0, len(behind), WINDOW):
                slugs = behind[start : start + WINDOW]
                await self.tenure.sure()
                paths = [topics.CONFIG.path(self.place.site.slug, slug, self.parts.root) for slug in slugs]
                await link.acknowledged([client.post(path, payload, 1, True) for path in paths])
                retained.configs |= dict.fromkeys(slugs, payload)
            self._config_changed.clear()
            await self._config_changed.wait()
            await self._reload(client, retained)

    async def _reload(self, client: link.Link, retained: Retained) -> None:
        try:
            before, self.place = self.place, await self.desk.look(sending.place, self.tenure.lease.site_id)
        except DatabaseTrouble:
            await asyncio.sleep(RETRY_S)
            self._config_changed.set()
            return
        self._receiver.forget_topics()
        for slug in set(before.postes) - set(self.place.postes):
            retained.configs.pop(slug, None)
            for topic in topics.TOPICS:
                if topic.retained:
                    await client.publish(
                        topic.path(self.place.site.slug, slug, self.parts.root), b"", 1, True
                    )

    async def _keep_hours(self) -> None:
        """The lock screen tells the next opening: publish it when the site opens or closes."""
        while True:
            change = self.place.site.hours.next_change(self.parts.clock.now())
            pause = 3600.0 if change is None else min(3600.0, max(0.5, self.parts.clock.until(change) + 0.5))
            await asyncio.sleep(pause)
            self._config_changed.set()

    # ------------------------------------------------------------ deadlines

    async def _keep_deadlines(self) -> None:
        with contextlib.suppress(DatabaseTrouble, Refused):
            # Two connections know how sessions end before the first do: planning that takes as long as ending many.
            await asyncio.gather(*(self.desk.do(endings.end_due, []) for _ in range(SIDE_BY_SIDE)))
        while True:
            await self.deadlines.wait()
            await self._steady.wait()
            began = time.monotonic()
            due = deque(self.deadlines.take(AT_ONCE))
            # When many end at once, some are found while the lines of others are written, which is one at a time.
            told = await asyncio.gather(*(self._end_some(due) for _ in range(SIDE_BY_SIDE)))
            # Publishing would take the processor from what is not committed yet.
            self.sender.submit(one for some in told for one in some)
            # Who is due in the next moment ends with others: a commit for each leaves no time to tell the postes.
            await asyncio.sleep(began + PACE_S - time.monotonic())

    async def _end_some(self, due: deque[int]) -> list[Wanted]:
        told: list[Wanted] = []
        while due:
            told += await self._end_or_later([due.popleft() for _ in range(min(BATCH, len(due)))])
        return told

    async def _end_or_later(self, due: list[int]) -> list[Wanted]:
        try:
            return await self._end(due)
        except (DatabaseTrouble, Refused) as error:
            log.warning("deadlines_wait", extra={"sessions": len(due), "error": str(error)})
            self.sender.wake()  # it may be done all the same
            again = self.parts.clock.now() + timedelta(seconds=RETRY_S)
            for session_id in due:
                self.deadlines.arm(session_id, again)
            return []

    async def _end(self, due: list[int]) -> list[Wanted]:
        ended = await self.desk.do(endings.end_due, due, confirmations=self.sender.is_linked)
        now = self.parts.clock.now()
        for one in ended.later:
            patience = timedelta(seconds=0 if one.due_at > now - timedelta(milliseconds=50) else 1)
            self.deadlines.arm(one.session_id, max(one.due_at, now + patience))
        return ended.told

    async def _keep_codes(self) -> None:
        while True:
            self._codes_changed.clear()
            try:
                expiry = await self.desk.look(endings.next_code_expiry, self.tenure.lease.site_id)
                left = None if expiry is None else self.parts.clock.until(expiry)
                if left is not None and left <= 0:
                    await self.desk.do(endings.expire_codes)
                    continue
            except DatabaseTrouble:
                left = RETRY_S
            try:
                async with asyncio.timeout(left):
                    await self._codes_changed.wait()
            except TimeoutError:
                continue
