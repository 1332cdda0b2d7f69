"""A room whose time is turned by hand: real rules, real machines of postes, and messages that take any time and order.

Only between one sender and its receiver does one kind of message keep its order. Whoever dies forgets what it had in
its hands.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select

from fleet.database import tables
from fleet.database.outbox import Wanted, of_postes
from fleet.database.sessions import to_session
from fleet.domain.errors import FleetError
from fleet.domain.session import ACTIVE, EN_ATTENTE, SUSPENDUE
from fleet.usecases import acks, endings, events, kiosk, sending, sessions, transfers
from fleet.usecases.desired import message
from kiosk_agent.effects import Clean, Lock, Publish, Unlock
from kiosk_agent.platform.base import Attestation
from kiosk_agent.talk import FRESH_MS
from protocol import messages, topics
from tests.kiosk_agent.hands import EPOCH, Hand
from tests.support.rooms import Room

CLEAN_MS = 300
BLINK_MS = 50
LONGEST_SETTLING_MS = 120_000


class Machine(Hand):
    """A poste with a stopwatch; what it says waits in `out`, what it is told in `told`."""

    def __init__(self, now: int) -> None:
        self.out: deque[tuple[topics.Topic, messages.Message]] = deque()
        self.told: deque[tuple[Any, bool]] = deque()
        self.used: defaultdict[int, int] = defaultdict(int)
        self.clean_at: int | None = None
        self._open: tuple[int, int] | None = None
        super().__init__(now=now)

    def do(self, effects: list[Any]) -> list[Any]:
        for effect in super().do(effects):
            match effect:
                case Publish(topic, said) if self.machine.voice.connection is not None:
                    self.out.append((topic, said))
                case Clean():
                    self.clean_at = self.now + CLEAN_MS
                case Lock() | Unlock():
                    self._watch(effect)
        self._count()
        return effects

    def _watch(self, bolt: Lock | Unlock) -> None:
        self._stop()
        if isinstance(bolt, Unlock):
            self._open = int(bolt.session), self.now

    def _count(self) -> None:
        if self._open is not None:
            session, _ = self._open
            self._stop()
            self._open = session, self.now

    def _stop(self) -> None:
        if self._open is not None:
            session, since = self._open
            if self.counted_phase == "active":
                self.used[session] += self.now - since
            self._open = None
        self.counted_phase = self.machine.lending.phase if hasattr(self, "machine") else "locked"

    counted_phase = "locked"

    def until(self, now: int) -> None:
        """Let time pass, cleaning included."""
        if self.clean_at is not None and self.clean_at <= now:
            self.wait(max(0, self.clean_at - self.now))
            self.clean_at = None
            self.do(self.machine.cleaned(self.now, Attestation(ms=CLEAN_MS)))
        self.wait(now - self.now)

    def connect(self) -> None:
        self.connection += 1
        self.do(self.machine.link_up(self.now, self.connection))

    def cut(self) -> None:
        self.out.clear()
        self.told.clear()
        self.do(self.machine.link_down(self.now))


@dataclass
class Controller:
    """What one has in its hands, lost with it."""

    run: str
    acks: deque[tuple[int, messages.Ack, int]] = field(default_factory=deque)
    resyncs: dict[int, tuple[messages.Resync, int]] = field(default_factory=dict)
    requests: deque[tuple[int, messages.Request]] = field(default_factory=deque)
    events: deque[tuple[int, messages.Event]] = field(default_factory=deque)
    answers: deque[tuple[int, messages.Reply]] = field(default_factory=deque)
    read: list[Wanted] = field(default_factory=list)
    sent: dict[int, int] = field(default_factory=dict)


class World:
    """All of it. `step` does one thing at random; `settle` lets everything come to its end."""

    def __init__(self, room: Room, rng: Random, clock: "TurnedClock", *, moves: bool, deaths: bool) -> None:
        self.move, self.deaths = "move" if moves else "add", deaths
        self.room, self.rng, self.clock = room, rng, clock
        self.postes = {poste: Machine(clock.now) for poste in room.postes}
        self.controller = Controller("run-1")
        self.retained: dict[int, messages.Desired] = {}
        self.story: list[str] = []
        self._codes = 0
        self._greet()

    # ---------------------------------------------------------------- time

    def pass_time(self, ms: int) -> None:
        until = self.clock.now + ms
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + BLINK_MS)
            for one in self.postes.values():
                one.until(self.clock.now)
            self._carry_up()
        for poste, one in self.postes.items():
            self.room.presence(poste, phase=one.machine.lending.phase)
        due = [one.session_id for one in endings.armed(self.room.fleet, self.room.site_id)
               if one.due_at <= self.clock.instant]  # fmt: skip
        if due and self.controller.run:
            endings.end_due(self.room.fleet, self.room.lease, due)

    def tell(self, what: str) -> None:
        self.story.append(f"{self.clock.now} {what}")

    # ---------------------------------------------------------------- what may happen

    def step(self) -> None:
        deeds: list[tuple[Callable[[], None], int]] = [
            (self._desk, 6), (self._visitor, 3), (self._carry_down, 8), (self._acks, 5),
            (self._resync, 5), (self._request, 5), (self._events, 4), (self._read, 5), (self._publish, 6),
            (self._answer, 6), (self._wait, 8), (self._die, int(self.deaths)),
        ]  # fmt: skip
        self.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]()
        self._carry_up()

    def _wait(self) -> None:
        self.pass_time(self.rng.choice([1, 20, 200, 1000, 3000]))

    def _desk(self) -> None:
        room, poste = self.room, self.rng.choice(self.room.postes)
        here = room.wanted(poste).session
        if here is None or here.statut == EN_ATTENTE:
            return
        if here.statut == SUSPENDUE:
            deed = self.rng.choice(["resume", "resume", "resume", "terminate", "add", self.move])
        else:
            deed = self.rng.choice(["add", "add", "suspend", "suspend", "terminate", self.move])
        try:
            match deed:
                case "add":
                    seconds = self.rng.choice([60, 300, -60])
                    rev = sessions.add_time(room.fleet, room.actor, here.id, seconds)
                    deed = f"add {seconds}"
                case "move":
                    rev = 0
                    deed = f"move to {(to := self.rng.choice(room.postes))}"
                    transfers.transfer(room.fleet, room.actor, here.id, to)
                case _:
                    rev = getattr(sessions, deed)(room.fleet, room.actor, here.id)
            self.tell(f"desk: {deed} {here.id} at {poste}, rev {rev}")
        except FleetError:
            pass

    def _visitor(self) -> None:
        poste, one = self.rng.choice(list(self.postes.items()))
        phase = one.machine.lending.phase
        if (
            phase == "locked"
            and self.room.wanted(poste).session is None
            and not one.machine.talk.requests.get("start")
        ):
            made = self.room.new(self.rng.choice([60, 600]))
            self.tell(f"visitor: types {made.session_id} at {poste}")
            one.do(one.machine.type_code(one.now, made.code))
        elif phase == "active" and self.rng.random() < 0.2:
            self.tell(f"visitor: ends at {poste}, held rev {one.machine.lending.held.rev}")
            one.do(one.machine.end(one.now))

    def _carry_up(self) -> None:
        """What postes say is heard at once, or never; how long it waits then is known."""
        for poste, one in self.postes.items():
            while one.out:
                self._hear(poste, *one.out.popleft())

    def _hear(self, poste: int, topic: topics.Topic, said: Any) -> None:
        to = self.controller
        if topic is topics.ACK:
            to.acks.append((poste, said, self.clock.now))
        elif topic is topics.EVENT:
            to.events.append((poste, said))
        elif isinstance(said, messages.Resync):
            to.resyncs[poste] = said, self.clock.now
        elif topic is topics.REQUEST:
            to.requests.append((poste, said))

    def _heard_at(self, at: int) -> float:
        return time.monotonic() - (self.clock.now - at) / 1000

    def _acks(self) -> None:
        taken, self.controller.acks = list(self.controller.acks), deque()
        if not taken:
            return
        told = {
            (poste, ack.rev, ack.status): (poste, ack, at)
            for poste, ack, at in taken
            if ack.id == acks.DESIRED
        }
        for poste, ack, _ in told.values():
            self.tell(
                f"ack of {poste}: {ack.status} {ack.rev} {ack.session} {ack.remaining_ms} by {ack.measured_rev}"
            )
        acks.applied(
            self.room.fleet, self.room.lease, [(poste, ack) for poste, ack, _ in told.values()],
            [self._heard_at(at) for _, _, at in told.values()],
        )  # fmt: skip

    def _resync(self) -> None:
        if not self.controller.resyncs:
            return
        poste = self.rng.choice(list(self.controller.resyncs))
        asked, at = self.controller.resyncs.pop(poste)
        self.tell(
            f"resync of {poste}: {asked.phase} {asked.rev} {asked.session} {asked.remaining_ms} by {asked.measured_rev}"
        )
        told = [(poste, asked, self.clock.instant)]
        answers = kiosk.resync_all(self.room.fleet, self.room.lease, told, [self._heard_at(at)])
        if poste in answers:
            self._accept(poste, asked, answers[poste])

    def _accept(self, poste: int, asked: Any, yes: kiosk.Yes) -> None:
        now = self.clock.instant
        desired = message(yes.wanted, self.room.lease.term, now)
        reply = messages.Accepted(id=asked.id, nonce=asked.nonce, server_time=now, desired=desired)
        self.controller.answers.append((poste, reply))

    def _request(self) -> None:
        if not self.controller.requests:
            return
        poste, asked = self.controller.requests.popleft()
        try:
            if isinstance(asked, messages.Start):
                yes = kiosk.start(self.room.fleet, self.room.lease, poste, asked)
            elif isinstance(asked, messages.Ending):
                yes = kiosk.ending(self.room.fleet, self.room.lease, poste, asked)
            else:
                return
            self.tell(f"{type(asked).__name__} of {poste}: {getattr(asked, 'remaining_ms', '')}")
            self._accept(poste, asked, yes)
        except FleetError as refused:
            now = self.clock.instant
            no = messages.Refused(
                id=asked.id, nonce=asked.nonce, server_time=now, reason=str(refused)[:60], fr="", en=""
            )
            self.controller.answers.append((poste, no))

    def _events(self) -> None:
        taken, self.controller.events = list(self.controller.events), deque()
        if not taken:
            return
        events.happened(self.room.fleet, self.room.lease, taken)
        for poste, told in taken:
            noted = messages.Noted(boot=told.boot, n=told.n, server_time=self.clock.instant)
            self.controller.answers.append((poste, noted))

    def _read(self) -> None:
        states, _ = sending.unsent(self.room.fleet, self.room.lease, 100)
        news = {one.poste_id: one for one in self.controller.read}
        news |= {one.poste_id: one for one in states if self.controller.sent.get(one.poste_id, 0) < one.rev}
        self.controller.read = list(news.values())

    def _publish(self) -> None:
        """Some of what was read is told, as of now; that the broker has it may be known."""
        if not self.controller.read:
            return
        one = self.controller.read.pop()
        told = message(one, self.room.lease.term, self.clock.instant)
        self.retained[one.poste_id] = told
        if self.postes[one.poste_id].machine.voice.connection is not None:
            self.postes[one.poste_id].told.append((told, False))
        self.controller.sent[one.poste_id] = one.rev
        sending.sent(self.room.fleet, self.room.lease, [(one.poste_id, one.rev)], [])

    def _answer(self) -> None:
        if self.controller.answers:
            poste, reply = self.controller.answers.popleft()
            if self.postes[poste].machine.voice.connection is not None:
                self.postes[poste].told.append((reply, False))

    def _carry_down(self) -> None:
        one = self.rng.choice(list(self.postes.values()))
        if one.told:
            told, retained = one.told.popleft()
            one.do(one.machine.receive(one.now, told, retained))
            if one.did(Unlock, lately=True):
                assert isinstance(told, messages.Accepted)
                assert self.clock.instant - told.server_time <= timedelta(milliseconds=FRESH_MS)

    # ---------------------------------------------------------------- deaths

    def _die(self) -> None:
        if self.rng.random() < 0.5:
            self.tell("the controller dies")
            self.controller = Controller(f"run-{self.clock.now}")
            endings.wait_for_confirmations(self.room.fleet, self.room.lease)
            self._greet()
        else:
            poste, one = self.rng.choice(list(self.postes.items()))
            self.tell(f"the link of {poste} is cut")
            one.cut()
            self._connect(poste, one)

    def _greet(self) -> None:
        status = messages.ControllerStatus(
            online=True, controller="c", term=self.room.lease.term, protocol=1, run=self.controller.run
        )
        for poste, one in self.postes.items():
            if one.machine.voice.connection is None:
                self._connect(poste, one)
            else:
                one.told.append((status, False))
        # What was not acknowledged is told again.
        with self.room.fleet.database.read() as tx:
            for wanted in of_postes(tx, list(self.postes)):
                if wanted.applied_rev < wanted.rev:
                    self.controller.read.append(wanted)

    def _connect(self, poste: int, one: Machine) -> None:
        one.connect()
        if poste in self.retained:
            one.told.append((self.retained[poste], True))
        one.told.append((messages.ControllerStatus(
            online=True, controller="c", term=self.room.lease.term, protocol=1, run=self.controller.run
        ), True))  # fmt: skip

    # ---------------------------------------------------------------- the end

    def settle(self) -> None:
        """Everything that was said is heard, and answered, until nothing is left to be said."""
        until, left = self.clock.now + LONGEST_SETTLING_MS, [""]
        while self.clock.now < until:
            for _ in range(3):
                for deed in (self._acks, self._resync, self._request, self._events, self._read):
                    deed()
                while self.controller.read:
                    self._publish()
                while self.controller.answers:
                    self._answer()
                for poste in self.postes.values():
                    while poste.told:
                        told, retained = poste.told.popleft()
                        poste.do(poste.machine.receive(poste.now, told, retained))
                self._carry_up()
            if not (left := self._unsettled()):
                return
            self.pass_time(50)
        raise AssertionError("\n".join([*self.story, f"not settled: {left}"]))

    def _unsettled(self) -> list[str]:
        with self.room.fleet.database.read() as tx:
            wanted = of_postes(tx, list(self.postes))
        said = []
        for one in wanted:
            machine, here = self.postes[one.poste_id].machine, one.session
            phase, open_here = machine.lending.phase, here is not None and here.statut == ACTIVE
            if one.applied_rev < one.rev or "start" in machine.talk.requests or phase == "cleaning":
                said.append(f"{one.poste_id}: rev {one.rev}, applied {one.applied_rev}, {phase}")
            elif here is not None and here.confirm_by is not None:
                said.append(f"{one.poste_id}: {here.id} is not confirmed")
            elif open_here != machine.lending.unlocked:
                said.append(f"{one.poste_id}: {phase}, should be {here and here.statut}")
            elif here is not None and open_here and not here.in_grace(self.clock.instant):
                theirs = machine.lending.remaining(self.clock.now) or 0
                if abs(theirs - here.remaining_ms(self.clock.instant)) > 1000:
                    said.append(
                        f"{one.poste_id}: {theirs} left, {here.remaining_ms(self.clock.instant)} in the books"
                    )
        return said

    def wrong(self) -> list[str]:
        """Sessions of which the granted time is not what was used and what is left."""
        room, said = self.room, []
        with room.fleet.database.read() as tx:
            rows = tx.execute(select(tables.session).where(tables.session.c.site_id == room.site_id)).all()
            lines = select(tables.grant.c.session_id, func.sum(tables.grant.c.montant_ms)).where(
                tables.grant.c.genre.in_(("initial", "ajout", "retrait"))
            )
            given = {row[0]: int(row[1]) for row in tx.execute(lines.group_by(tables.grant.c.session_id))}
        for poste in self.postes.values():
            poste.do([])
        for row in rows:
            one, used = to_session(row), sum(poste.used[row.id] for poste in self.postes.values())
            off = given[row.id] - used - one.unspent_ms(self.clock.instant)
            moved = any(one.id in poste.used for poste in self.postes.values()) and self.move == "move"
            if off > 1000 or (off < -1000 and not moved) or given[row.id] != one.granted_ms:
                left = one.unspent_ms(self.clock.instant)
                said.append(f"session {row.id} ({one.statut}, {one.reason}): granted {given[row.id]},")
                said.append(f"{one.granted_ms} by itself, used {used}, {left} left: {off} too many")
        return said


@dataclass
class TurnedClock:
    """The clock of the database and of every poste, in ms."""

    now: int = 1_000

    @property
    def instant(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.now)
