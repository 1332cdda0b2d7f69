"""The poste as a pure state machine: messages, link, visitor and time in; effects out. No I/O, no clock.

Every public method is one turn: it takes `now` (ms of the boot clock), returns what is to be done.
"""

from collections.abc import Callable
from functools import wraps
from random import Random
from typing import Concatenate, ParamSpec

import msgspec

from kiosk_agent.effects import Clean, Effect, Forget, Persist, Record, Remember, Tell, Unlock
from kiosk_agent.events import Events
from kiosk_agent.idleness import Idleness
from kiosk_agent.lending import Lending
from kiosk_agent.memory import Held, Memory
from kiosk_agent.offset import Offset
from kiosk_agent.orders import Orders
from kiosk_agent.platform.base import Attestation
from kiosk_agent.talk import Talk
from kiosk_agent.turn import Turn
from kiosk_agent.voice import Voice
from protocol import codec, messages, topics

P = ParamSpec("P")
WRITE_AGAIN_MS = 2_000
"""When what could not be written is tried again, if nothing happens before."""


def _turn(
    step: Callable[Concatenate["Machine", int, P], None],
) -> Callable[Concatenate["Machine", int, P], list[Effect]]:
    """Let time pass before and after a step, so that no input is judged by a state that is over."""

    @wraps(step)
    def turn(machine: "Machine", now: int, /, *args: P.args, **kwargs: P.kwargs) -> list[Effect]:
        machine._advance(now)
        step(machine, now, *args, **kwargs)
        machine._advance(now)
        return machine._take(now)

    return turn


class Machine:
    """One poste during one life of its agent."""

    def __init__(
        self,
        info: messages.Info,
        boot: str,
        memory: Memory,
        rng: Random,
        new_id: Callable[[], str],
        beat_ms: int,
    ) -> None:
        self._memory = memory
        self._turn = Turn()
        self._now = 0
        self.lending = Lending(boot, self._turn.do, self._happened)
        self.events = Events(boot, memory.events, memory.last_event, rng)
        self.offset = Offset()
        self.voice = Voice(self._turn, self.lending, info, beat_ms, rng)
        self.talk = Talk(self._turn, self.lending, self.voice, self.offset, new_id, rng)
        self.orders = Orders(boot, memory.commands, self._turn, self.lending, self.talk, self.offset)
        self.idleness = Idleness(self.lending, self._turn, self._happened)
        self._link_lost_at = 0
        self._saved: Held | None = None
        self._before: Held | None = None
        self._write_again_at: int | None = None

    # -------------------------------------------------------------- the life of the agent

    @_turn
    def begin(self, now: int) -> None:
        """The agent starts: be what the disk says, or locked."""
        self._now = self._link_lost_at = now
        memory = self._memory
        self._saved = msgspec.structs.replace(memory.held) if memory.held else None
        self.talk.birth = self.lending.wake(
            memory.held, memory.alive_at, lost="state" in memory.troubles, now=now
        )
        if "events" in memory.troubles and memory.alive_at is None:
            # Numbers may have been used that nobody knows of, but never more than one in each millisecond.
            self.events.last = max(self.events.last, now)
        for what in memory.troubles:
            self._happened(messages.Trouble(n=0, boot="", what="state_lost", detail=what))

    @_turn
    def tick(self, _now: int) -> None:
        """Time has passed."""

    @_turn
    def cleaned(self, now: int, attestation: Attestation) -> None:
        """The clean-up ended."""
        if self.lending.phase != "cleaning":
            return
        self.lending.cleaned(attestation)
        self.orders.cleaned()
        self.talk.room_was_made(now)

    @_turn
    def updated(self, _now: int, command_id: str, reason: str | None) -> None:
        """Whether another version is being installed, as a command wanted; `reason` says why not."""
        self.orders.settle(command_id, reason)

    @_turn
    def undone(self, now: int, effects: list[Effect], reason: str) -> None:
        """The disk or the platform failed before these effects were done: refuse what they were to answer."""
        commanded = any(isinstance(effect, Clean) for effect in effects) and self.orders.is_cleaning
        if commanded:
            self.orders.clean_up_dropped()
            self.lending.revert(self._before or Held(boot=self.lending.held.boot), now)
        elif any(isinstance(effect, Unlock) for effect in effects):
            refused = self.lending.held
            self.lending.revert(self._before or Held(boot=refused.boot), now)
            if refused.by_hand is None:
                self.talk.refuse(refused.term, refused.rev, reason)
            self._turn.do(Tell("storage", {}))
        elif any(isinstance(effect, Clean) for effect in effects):
            self._turn.do(Clean())  # nobody else would ever end this phase
        if any(isinstance(effect, Remember) for effect in effects):
            self.orders.refuse_last(reason)

    def written(self, now: int, *, done: bool) -> None:
        """Whether what is held reached the disk. If not, each turn tries again, and one comes soon."""
        self._write_again_at = None if done else now + WRITE_AGAIN_MS

    @_turn
    def trouble(self, _now: int, what: str, detail: str = "") -> None:
        """Something that a human should know."""
        session = self.lending.held.session
        self._happened(messages.Trouble(n=0, boot="", session=session, what=what, detail=codec.plain(detail)))

    # -------------------------------------------------------------- the link

    @_turn
    def link_up(self, now: int, connection: int, info: messages.Info | None = None) -> None:
        """Connected and subscribed; `info` is what the machine is now, if that was looked at."""
        self.voice.up(connection, now, info)
        held = self.lending.held
        if self.lending.outage(now) and not held.outage_connection:
            held.outage_connection = connection
        self.talk.link_up(now)
        self.events.link_up(now)

    @_turn
    def link_down(self, now: int) -> None:
        self._link_lost_at = now
        self.voice.down()
        self.talk.controller_online = False
        self.events.link_down()

    @_turn
    def receive(self, now: int, message: object, retained: bool) -> None:
        """A message that was decoded from a topic of this poste."""
        match message:
            case messages.Desired():
                self.talk.desired_arrived(message, retained, now)
            case messages.Config():  # whatever its rev: the site, or its database, may be another now
                self.lending.held.config = message
            case messages.ControllerStatus():
                if self.talk.controller_seen(message, now):
                    self.events.tell_again(now)
            case messages.Status() if not message.online:
                self.voice.contradict(now)
            case _ if isinstance(message, messages.Reply):
                self._reply(now, message, retained)
            case _ if isinstance(message, messages.Command):
                self.orders.arrived(message, retained, now)

    @_turn
    def malformed_command(self, _now: int, command_id: str, reason: str) -> None:
        """A command that did not decode but has an id."""
        self.orders.refuse(command_id, reason)

    def _reply(self, now: int, reply: messages.Reply, retained: bool) -> None:
        if retained:
            return
        if not isinstance(reply, messages.Noted):
            self.talk.answered(reply, now)
        elif self.events.noted(reply, now):
            self._turn.do(Forget())

    # -------------------------------------------------------------- the visitor

    @_turn
    def type_code(self, now: int, code: str) -> None:
        """A visitor typed a code and pressed enter."""
        self.talk.start(code, now)

    @_turn
    def ask_time(self, now: int, seconds: int = 900) -> None:
        """The visitor asks the desk for more time."""
        self.talk.extend(seconds, now)

    @_turn
    def end(self, now: int) -> None:
        """Who is there ends it: lock at once, whatever the network does, and say so."""
        self.lending.close_by_hand("technician", now)
        self.talk.end(now)

    @_turn
    def idle(self, now: int, idle_s: int) -> None:
        """Nobody touched the machine for `idle_s`: said about once a second while a visitor is at it."""
        if self.idleness.seen(idle_s, now):
            self.talk.end(now, "idle")

    # -------------------------------------------------------------- the technician

    @_turn
    def open_by_hand(self, now: int, reason: str, seconds: int) -> None:
        """Open without the server, where no session is: the one exception to a fresh answer.

        What was asked for a code that somebody typed is forgotten, so that no late answer opens for them.
        """
        if self.lending.closed_to_hand() is None:
            self.talk.requests.drop("start")
            self.lending.open_by_hand(codec.plain(reason), seconds, now)

    # -------------------------------------------------------------- time

    def next_wake(self, now: int) -> int | None:
        """When `tick` is to be called, if nothing else comes before."""
        moments = self.voice.moments() + self.talk.moments()
        if (wake := self.lending.next_wake(now)) is not None:
            moments.append(wake)
        if self.events.next_at is not None:
            moments.append(self.events.next_at)
        if (locks := self._offline_lock_at()) is not None:
            moments.append(locks)
        if self._write_again_at is not None:
            moments.append(self._write_again_at)
        return min(moments, default=None)

    def _offline_lock_at(self) -> int | None:
        config = self.lending.held.config
        if config is None or config.offline != "suspend" or self.voice.connection is not None:
            return None
        return self._link_lost_at + config.offline_after_ms if self.lending.phase == "active" else None

    def _advance(self, now: int) -> None:
        self._now = now
        self.lending.advance(now)
        locks = self._offline_lock_at()
        if locks is not None and locks <= now:
            self.lending.lock_by_fault(now)
            self.lending.say_ended("offline")
            self._turn.do(Tell("offline_suspended", {}))
        self.talk.advance(now)
        self.voice.advance(now)
        for event in self.events.take_due(now):
            self._turn.say(topics.EVENT, event)

    def _happened(self, event: messages.Event) -> None:
        self._turn.do(Record(self.events.add(event, self._now)))

    def _take(self, now: int) -> list[Effect]:
        self.voice.state(now)
        held = self.lending.held
        if held != self._saved:
            self._before, self._saved = self._saved, msgspec.structs.replace(held)
        elif self._write_again_at is None:
            return self._turn.take(None)
        return self._turn.take(Persist(msgspec.structs.replace(held, written_at=now)))
