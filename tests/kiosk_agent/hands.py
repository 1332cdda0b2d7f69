"""A poste held in the hand: its machine, a clock that is turned, a desk that answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar

import msgspec

from kiosk_agent.effects import Effect, Lock, Persist, Publish, Record, Remember, Unlock
from kiosk_agent.machine import Machine
from kiosk_agent.memory import Held, Memory
from kiosk_agent.platform.base import Attestation
from protocol.messages import Accepted, Ack, Desired, Info, Resync, Start

E = TypeVar("E")
EPOCH = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""What the server's clock shows when the poste's shows 0."""
BOOT = "boot-1"
MINUTE = 60_000


class Hand:
    """One machine and everything that it did so far."""

    def __init__(self, memory: Memory | None = None, now: int = 1_000, boot: str = BOOT) -> None:
        self.now = now
        self.memory = memory or Memory()
        ids = (f"id-{boot}-{now}-{number}" for number in count())
        self.machine = Machine(
            Info(protocol=1, software="test"), boot, self.memory, Random(7), ids.__next__, 20_000
        )
        self.done: list[Effect] = []
        self.new: list[Effect] = []
        self.disk: Held | None = self.memory.held
        self.connection = 0
        self.do(self.machine.begin(now))

    def do(self, effects: list[Effect]) -> list[Effect]:
        self.new = effects
        self.done += effects
        for effect in effects:
            if isinstance(effect, Persist):
                self.disk = msgspec.msgpack.decode(msgspec.msgpack.encode(effect.held), type=Held)
        return effects

    # ------------------------------------------------------------ time and link

    def wait(self, ms: int) -> None:
        """Let time pass, waking exactly when the machine wants to."""
        until = self.now + ms
        while (wake := self.machine.next_wake(self.now)) is not None and wake <= until:
            self.now = max(wake, self.now)
            self.do(self.machine.tick(self.now))
        self.now = until
        self.do(self.machine.tick(self.now))

    def sleep(self, ms: int) -> None:
        """Let time pass without waking: the process is frozen."""
        self.now += ms

    def connect(self) -> None:
        self.connection += 1
        self.do(self.machine.link_up(self.now, self.connection))

    def cut(self) -> None:
        self.do(self.machine.link_down(self.now))

    # ------------------------------------------------------------ the controller

    @property
    def server_time(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.now)

    def desired(self, rev: int, phase: str = "active", minutes: float = 30, **changes: Any) -> Desired:
        fields: dict[str, Any] = {
            "term": 1, "rev": rev, "phase": phase, "computed_at": self.server_time, "session": "s1",
            "remaining_ms": int(minutes * MINUTE), "grace_ms": MINUTE,
        }  # fmt: skip
        if phase in ("locked", "maintenance"):
            fields |= {"session": None, "remaining_ms": 0, "grace_ms": 0}
        return Desired(**fields | changes)

    def hear(self, message: object, retained: bool = False) -> list[Effect]:
        return self.do(self.machine.receive(self.now, message, retained))

    def asked(self, kind: type[E]) -> E:
        """The last request of a kind."""
        return self.said(kind)[-1]

    def answer(self, request: Any, desired: Desired, **changes: Any) -> list[Effect]:
        reply = Accepted(id=request.id, nonce=request.nonce, server_time=self.server_time, desired=desired)
        return self.hear(msgspec.structs.replace(reply, **changes))

    def free(self) -> "Hand":
        """Connected, told to be locked."""
        self.connect()
        self.answer(self.asked(Resync), self.desired(1, "locked"))
        return self

    def unlocked(self, minutes: float = 30, **changes: Any) -> "Hand":
        """A visitor is at it: session s1, revision 2."""
        self.free()
        self.enter("ABC234")
        self.answer(self.asked(Start), self.desired(2, minutes=minutes, **changes))
        return self

    # ------------------------------------------------------------ the visitor and the platform

    def enter(self, code: str) -> None:
        self.do(self.machine.type_code(self.now, code))

    def cleaned(self, *leftovers: str) -> None:
        self.do(self.machine.cleaned(self.now, Attestation(ms=5, leftovers=leftovers)))

    # ------------------------------------------------------------ what it did

    def said(self, kind: type[E], *, lately: bool = False) -> list[E]:
        effects = self.new if lately else self.done
        messages = [effect.message for effect in effects if isinstance(effect, Publish)]
        return [message for message in messages if isinstance(message, kind)]

    def happened(self, kind: type[E]) -> list[E]:
        """The events that nobody noted yet, of one kind."""
        return [one.event for one in self.machine.events.kept if isinstance(one.event, kind)]

    def did(self, kind: type[E], *, lately: bool = False) -> list[E]:
        return [effect for effect in (self.new if lately else self.done) if isinstance(effect, kind)]

    @property
    def is_unlocked(self) -> bool:
        """What the machine really is: the last bolt that was moved tells, whatever the phase says."""
        bolts = [effect for effect in self.done if isinstance(effect, Lock | Unlock)]
        return isinstance(bolts[-1], Unlock)

    def last_ack(self) -> Ack:
        return self.said(Ack)[-1]

    @property
    def phase(self) -> str:
        return self.machine.lending.phase

    @property
    def remaining(self) -> int | None:
        return self.machine.lending.remaining(self.now)

    def effective(self) -> Iterator[Effect]:
        """The last effects but those that only write."""
        return (effect for effect in self.new if not isinstance(effect, Persist | Record | Remember))

    def killed(self, after_ms: int, mark_ago: int = 0) -> "Hand":
        """The agent dies now and starts again in the same boot; the machine was locked meanwhile."""
        memory = Memory(
            held=self.disk,
            events=list(self.machine.events.kept),
            last_event=self.machine.events.last,
            commands=self.machine.orders.commands.all(),
            alive_at=self.now - mark_ago,
            connection=self.connection,
        )
        again = Hand(memory, self.now + after_ms, self.machine.lending.held.boot)
        again.connection = self.connection
        again.done = [*self.done, Lock(), *again.done]
        return again
