"""From the outbox to the wire: what postes should do, read when something says so, marked when the broker has it.

One batch at a time, so one message in flight per topic, and always the newest rev. A batch is small, so that an
urgent change never waits behind the end of the day. What the broker has is marked a moment later.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from aiomqtt import MqttError

from controller import waking
from controller.clock import DatabaseClock
from controller.deadlines import Deadlines
from controller.desk import DatabaseTrouble, Desk
from controller.link import Link, acknowledged
from fleet.database.outbox import Order, Wanted
from fleet.usecases import sending
from fleet.usecases.commands import WAKE
from fleet.usecases.desired import message
from protocol import codec, messages, topics

log = logging.getLogger(__name__)
BATCH = 256
WINDOW = 64
MARK_S = 0.25
REPEAT_S = 5.0
RETRY_S = 0.3


class Look(NamedTuple):
    """What the database is to be asked for."""

    states: bool
    orders: bool


_NOTHING = Look(states=False, orders=False)


class Sender:
    """Publishes for one site. Without a connection nothing is published and nothing is lost."""

    def __init__(
        self,
        desk: Desk,
        clock: DatabaseClock,
        deadlines: Deadlines,
        site: str,
        root: str,
        wake_to: tuple[waking.Target, ...],
    ) -> None:
        self._desk, self._clock, self._deadlines = desk, clock, deadlines
        self._site, self._root, self._wake_to = site, root, wake_to
        self._link: Link | None = None
        self._pending: dict[int, Wanted] = {}
        self._unmarked: dict[int, int] = {}
        self._ordered: list[str] = []
        self._look = Look(states=True, orders=True)
        self._woken, self._sent_some = asyncio.Event(), asyncio.Event()
        self.published: dict[int, tuple[int, float]] = {}

    @property
    def is_linked(self) -> bool:
        """Whether there is a broker to publish to."""
        return self._link is not None

    @property
    def term(self) -> int:
        """The term that this driver speaks with."""
        return self._desk.tenure.lease.term

    def wake(self, *, states: bool = True, orders: bool = True) -> None:
        """The outbox has something new of these kinds."""
        self._look = Look(self._look.states or states, self._look.orders or orders)
        self._woken.set()

    def submit(self, wanted: Iterable[Wanted]) -> None:
        """Publish these without asking the database what they are."""
        for one in wanted:
            known = self._pending.get(one.poste_id)
            if known is None or known.rev <= one.rev:
                self._pending[one.poste_id] = one
        self._woken.set()

    def told(self, one: Wanted) -> None:
        """A commit told what a poste should do: publish it, unless the news is older than what was published."""
        self._deadlines.follow([one])
        if self.published.get(one.poste_id, (0, 0.0))[0] < one.rev:
            self.submit([one])

    def overdue(self, poste_id: int, told_rev: int) -> bool:
        """Whether a poste tells an older rev than what it was sent a while ago."""
        rev, since = self.published.get(poste_id, (0, 0.0))
        return told_rev < rev and time.monotonic() - since > REPEAT_S

    async def run(self, link: Link) -> None:
        """Publish on this connection for as long as it lives. Raises MqttError when it is lost."""
        self._link, self._look = link, Look(states=True, orders=True)
        self._woken.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_sending(), name="sending")
                group.create_task(self._keep_marking(), name="marking")
        finally:
            self._link = None

    async def _keep_sending(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._pending or any(self._look):
                await self._patiently(self._send_some)

    async def _keep_marking(self) -> None:
        """Marks lag a moment behind, many in one transaction: until then this Sender knows what it sent."""
        while True:
            while self._unmarked or self._ordered:
                await self._patiently(self._mark)
            self._sent_some.clear()
            await self._sent_some.wait()
            await asyncio.sleep(MARK_S)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DatabaseTrouble as error:
            log.warning("outbox_waits", extra={"error": type(error).__name__})
            await asyncio.sleep(RETRY_S)

    async def say(self, topic: topics.Topic, slug: str, payload: msgspec.Struct) -> bool:
        """Publish one message to a poste. Without a connection, or when the lease is in doubt: nothing, False."""
        path = topic.path(self._site, slug, self._root)
        return await self.publish(path, codec.encode(payload), topic.qos, topic.retained)

    async def say_all(self, topic: topics.Topic, told: Sequence[tuple[str, msgspec.Struct]]) -> None:
        """Publish one message to each of many postes; nothing where nothing may be published. Raises MqttError."""
        for start in range(0, len(told), WINDOW):
            link = self._link
            if link is None or not self._desk.tenure.is_sure:
                return
            posted = [
                link.post(
                    topic.path(self._site, slug, self._root), codec.encode(payload), topic.qos, topic.retained
                )
                for slug, payload in told[start : start + WINDOW]
            ]
            await acknowledged(posted)

    async def publish(self, path: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Publish bytes; wait for the broker's acknowledgement. False when nothing may be published now."""
        if self._link is None or not self._desk.tenure.is_sure:
            return False
        await acknowledged([self._link.post(path, payload, qos, retain)])
        return True

    async def _send_some(self) -> None:
        if self._pending:
            first = [self._pending.pop(poste_id) for poste_id in list(self._pending)[:BATCH]]
            await self._send(first, ())
            return
        if len(self._unmarked) >= BATCH // 2:
            await self._mark()  # else what is only unmarked could fill the answer
        look, self._look = self._look, _NOTHING  # a wake during the question asks again
        try:
            states, orders = await self._desk.do(
                sending.unsent, BATCH, states=look.states, orders=look.orders
            )
            self._deadlines.follow(states)
            await self._send(*self._unsaid(states, orders))
        except BaseException:
            self.wake(states=look.states, orders=look.orders)
            raise
        self._look = Look(
            self._look.states or len(states) == BATCH, self._look.orders or len(orders) == BATCH
        )

    def _unsaid(self, states: Sequence[Wanted], orders: Sequence[Order]) -> tuple[list[Wanted], list[Order]]:
        said = set(self._ordered)
        news = [one for one in states if self._unmarked.get(one.poste_id, 0) < one.rev]
        return news, [order for order in orders if order.id not in said]

    async def _send(self, states: Sequence[Wanted], orders: Sequence[Order]) -> None:
        for start in range(0, len(states), WINDOW):
            window = states[start : start + WINDOW]
            await self._desk.tenure.sure()  # again for each: a frozen process may thaw between two
            await acknowledged([self._state(one) for one in window])
            self._unmarked |= {one.poste_id: one.rev for one in window if one.sent_rev < one.rev}
        for order in orders:
            await self._desk.tenure.sure()
            await self._order(order)
            self._ordered.append(order.id)
        self._sent_some.set()

    async def _mark(self) -> None:
        """Let the outbox know what the broker has."""
        marks, orders = dict(self._unmarked), list(self._ordered)
        if marks or orders:
            await self._desk.do(sending.sent, list(marks.items()), orders)
        for poste_id, rev in marks.items():
            if self._unmarked.get(poste_id) == rev:
                del self._unmarked[poste_id]
        del self._ordered[: len(orders)]

    def _state(self, wanted: Wanted) -> asyncio.Future[None]:
        """Publish what a poste should do; what comes back is done once the broker has it."""
        if self._link is None:
            raise MqttError("no broker")
        told = message(wanted, self.term, self._clock.now())
        path = topics.SESSION.path(self._site, wanted.slug, self._root)
        self.published[wanted.poste_id] = (wanted.rev, time.monotonic())
        return self._link.post(path, codec.encode(told), 1, True)

    async def _order(self, order: Order) -> None:
        if self._link is None:
            raise MqttError("no broker")
        if order.op == WAKE:
            await self._wake(order)
        else:
            path = topics.COMMAND.path(self._site, order.slug, self._root)
            await acknowledged(
                [self._link.post(path, codec.encode(_command(order, self.term)), topics.COMMAND.qos, False)]
            )

    async def _wake(self, order: Order) -> None:
        """A machine that is off gets no message but a packet, from this machine's own network."""
        if self._clock.now() - order.issued_at > timedelta(milliseconds=order.ttl_ms):
            await self._desk.do(sending.unsendable, order.id, "expired", "too_old")
            return
        try:
            waking.wake(order.args["mac"], self._wake_to)
        except OSError as error:
            log.warning("wake_failed", extra={"poste": order.slug, "error": error.strerror})
            await self._desk.do(sending.unsendable, order.id, "refused", "network")


def _command(order: Order, term: int) -> msgspec.Struct:
    fields: dict[str, Any] = {
        "op": order.op,
        "id": order.id,
        "term": term,
        "issued_at": order.issued_at,
        "ttl_ms": order.ttl_ms,
        "boot": order.boot,
        "args": order.args,
    }
    made: msgspec.Struct = msgspec.convert(fields, messages.Command)
    return made
