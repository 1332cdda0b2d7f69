"""The conversation with the controller: requests and answers, desired sessions and their acks."""

from collections.abc import Callable
from random import Random

from kiosk_agent.backoff import Backoff
from kiosk_agent.effects import Tell, TellAnswer
from kiosk_agent.judge import OPEN, Channel, Verdict, judge
from kiosk_agent.lending import Lending
from kiosk_agent.offset import Offset, to_ms
from kiosk_agent.requests import FIRST_MS, Pending, Requests
from kiosk_agent.turn import Turn
from kiosk_agent.voice import Voice
from protocol import messages, topics

FRESH_MS = 8_000
"""An answer to what was first asked longer ago unlocks nothing: the controller is about to take the start back (after
10 s). Which repeat was answered nobody knows, and no estimate of the server's clock, which may be missing or have been
stepped, is trusted to open a machine: this clock alone tells."""
SOON_MS = 1_000
"""The postes of a site ask a restarted controller spread over this."""
LONGEST_CODE = 32


class Talk:
    """Asks, and follows the answers. `birth` is why the first resync of this agent is sent."""

    def __init__(
        self,
        turn: Turn,
        lending: Lending,
        voice: Voice,
        offset: Offset,
        new_id: Callable[[], str],
        rng: Random,
    ) -> None:
        self.birth: str | None = None
        self.blocked_until = 0
        self.controller_online = False
        self.requests = Requests(new_id, rng)
        self._turn = turn
        self._lending = lending
        self._voice = voice
        self._offset = offset
        self._rng = rng
        self._run: str | None = None
        self._newest_term = 0
        self._wanted: tuple[int, int] | None = None
        self._insist = Backoff(500, 30_000, rng)

    @property
    def term(self) -> int:
        """The highest term of a controller that this poste knows of."""
        return max(self._newest_term, self._lending.held.term)

    # -------------------------------------------------------------- asking

    def start(self, code: str, now: int) -> None:
        """Ask to start the session of a code."""
        typed = "".join(code.split()).upper()
        if not typed or "start" in self.requests or self._lending.phase not in ("locked", "suspended"):
            return
        if now < self.blocked_until:
            self._turn.do(Tell("wait", {"seconds": -(-(self.blocked_until - now) // 1000)}))
        elif len(typed) > LONGEST_CODE:
            self._turn.do(Tell("code_too_long", {}))
        else:
            self._ask_start(typed, now)

    def _ask_start(self, code: str, now: int) -> None:
        boot = self._lending.held.boot
        self.requests.ask(
            "start", now, lambda one, _at: messages.Start(id=one.id, nonce=one.nonce, boot=boot, code=code)
        )
        self._turn.do(Tell("checking" if self._voice.connection is not None else "trying", {}))

    def extend(self, seconds: int, now: int) -> None:
        """Ask the desk for more time."""
        held = self._lending.held
        session = held.session
        if session is None or not self._lending.unlocked:
            return
        if "extend" in self.requests:
            self._turn.do(Tell("asked_already", {}))
            return
        self.requests.ask(
            "extend", now, lambda one, _at: messages.Extend(
                id=one.id, nonce=one.nonce, boot=held.boot, session=session, seconds=seconds
            )
        )  # fmt: skip
        self._turn.do(Tell("asking_time", {}))

    def end(self, now: int, why: str = "visitor") -> None:
        """End the session that is here."""
        held = self._lending.held
        session, left, rev = held.session, self._lending.remaining(now), held.rev
        if session is None or not self._lending.unlocked:
            return
        self._lending.end_here(why, now)
        self.requests.ask(
            "ending", now, lambda one, _at: messages.Ending(
                id=one.id, nonce=one.nonce, boot=held.boot, session=session, remaining_ms=left, rev=rev,
                why=why,
            )
        )  # fmt: skip

    def resync(self, why: str, now: int, delay: int = 0) -> None:
        """Ask what to do; `delay` ms from now. One that is on its way already answers this too."""
        pending = self.requests.get("resync")
        if pending is None:
            pending = self.requests.ask("resync", now, lambda one, at: self._resync(one, why, at))
            pending.next_at = now + delay
        elif pending.last_sent is None or now - pending.last_sent >= FIRST_MS:
            pending.hurry(now + delay)

    def _resync(self, one: Pending, why: str, now: int) -> messages.Resync:
        lending, held = self._lending, self._lending.held
        at_lock = None if lending.unlocked else lending.measure_of(held.session)
        return messages.Resync(
            id=one.id, nonce=one.nonce, boot=held.boot, term=held.term, rev=held.rev, phase=lending.phase,
            why=self.birth or why, session=held.session,
            remaining_ms=at_lock.remaining_ms if at_lock else lending.remaining(now),
            outage_ms=lending.outage(now), connection=held.outage_connection or self._voice.connection or 0,
            measured_rev=at_lock.rev if at_lock else None,
        )  # fmt: skip

    def link_up(self, now: int) -> None:
        """Connected: ask what to do, then what was not answered."""
        self.requests.drop("resync")
        for pending in self.requests:
            pending.hurry(now)
        self.resync("connected", now)

    def room_was_made(self, now: int) -> None:
        """The clean-up ended; someone may be waiting for the place."""
        if self._wanted is not None:
            self.resync("unsolicited", now)

    def controller_seen(self, status: messages.ControllerStatus, now: int) -> bool:
        """Who drives the site says so: True when that is another than before.

        One that just started may not know what this poste waits for.

        A controller that was replaced says nothing that counts: its will may come after its successor's word.
        """
        if status.term < self._newest_term:
            return False
        self.controller_online = status.online
        if not status.online:
            return False
        self._newest_term = max(self._newest_term, status.term)
        known, self._run = self._run, status.run
        delay = int(self._rng.uniform(0, SOON_MS))
        for pending in self.requests:
            pending.hurry(now + delay)
        is_another = known not in (None, status.run)
        if is_another and self._lending.held.session is not None:
            self.resync("connected", now, delay)
        return is_another

    # -------------------------------------------------------------- answers

    def answered(self, reply: messages.Reply, now: int) -> None:
        """A reply that arrived live. Another's, or one to a question of the past, changes nothing."""
        pending = self.requests.answered_by(reply)
        if pending is None or isinstance(reply, messages.Noted):
            return
        if pending.sent_at is not None:
            # Which repeat was answered nobody knows: it was none before the first.
            self._offset.learn(pending.sent_at, now, reply.server_time)
        match reply:
            case messages.Accepted():
                self._accepted(pending, reply, now)
            case messages.Waiting() if pending.op == "extend":
                pending.wait(now)
                self._turn.do(TellAnswer(reply.fr, reply.en))
            case messages.Refused():
                self._refused(pending, reply, now)

    def _accepted(self, pending: Pending, reply: messages.Accepted, now: int) -> None:
        self.requests.drop(pending.op)
        if pending.op == "resync":
            self.birth = None
            self._lending.credited()
        age = self._age_of(reply, pending, now)
        fresh = pending.sent_at is not None and now - pending.sent_at <= FRESH_MS and age <= FRESH_MS
        self._follow(reply.desired, "reply" if fresh else "live", age, now)
        if self._wanted is not None and pending.op == "resync":
            self._insist_on(self._wanted, "unsolicited", now)
        elif pending.op == "resync" and not self._offset.samples:
            self.resync("connected", now, FIRST_MS)  # it took too long to tell the time by it

    def _age_of(self, reply: messages.Accepted, pending: Pending, now: int) -> int:
        """How old the answer is, within what is certain: the server's own measure, and since we asked."""
        least = max(0, to_ms(reply.server_time) - to_ms(reply.desired.computed_at))
        most = least + now - (pending.sent_at if pending.sent_at is not None else now)
        estimate = self._offset.age(reply.desired.computed_at, now)
        return min(max(least, estimate if estimate is not None else least), most)

    def _refused(self, pending: Pending, reply: messages.Refused, now: int) -> None:
        if pending.op == "resync":
            pending.repeat_at(now + 1000 * (reply.retry_after_s or 30))
            return
        self.requests.drop(pending.op)
        if pending.op == "start" and reply.retry_after_s:
            self.blocked_until = now + 1000 * reply.retry_after_s
        if pending.op != "ending":
            self._turn.do(TellAnswer(reply.fr, reply.en, reply.reason, reply.retry_after_s))

    # -------------------------------------------------------------- desired sessions

    def desired_arrived(self, desired: messages.Desired, retained: bool, now: int) -> None:
        """A desired session that was not asked for."""
        age = self._offset.age(desired.computed_at, now)
        self._follow(desired, "retained" if retained else "live", age, now)

    def _follow(self, desired: messages.Desired, channel: Channel, age: int | None, now: int) -> None:
        age = 0 if desired.waits else age
        match judge(self._lending.standing(self._newest_term, now), desired, channel, age):
            case Verdict.APPLY:
                self._apply(desired, age or 0, now)
            case Verdict.AGAIN:
                self._ack_applied(desired, now)
            case Verdict.SUPERSEDED:
                held = self._lending.held
                self._ack(held.term, held.rev, "superseded", desired.session)
            case Verdict.ENDING:
                self._content(desired)
                self._ack_ending(desired)
            case Verdict.UNSOLICITED:
                self._want(desired, "unsolicited", now)
            case Verdict.STALE:
                self._want(desired, "stale", now)
            case Verdict.COUNTED:
                self._ack_counted(desired, now)
            case Verdict.BARRED:
                self._lending.held.term = desired.term
                self._content(desired)

    def _apply(self, desired: messages.Desired, age: int, now: int) -> None:
        if desired.phase in OPEN and not self._lending.room_for(desired.session):
            self._want(desired, "unsolicited", now)
            return
        was_unlocked = self._lending.unlocked
        self._lending.apply(desired, age, now)
        if was_unlocked and not self._lending.unlocked and "resync" in self.requests:
            self.requests.drop(
                "resync"
            )  # it was asked by an unlocked machine: its answer would count from then
            self.resync("connected", now)
        self._content(desired)
        if desired.phase in OPEN:
            self.requests.drop("extend")
        self._ack_applied(desired, now)

    def _want(self, desired: messages.Desired, why: str, now: int) -> None:
        """It may not be followed as it came: make room if it is for someone else, and ask."""
        if self._lending.held.traces not in (None, desired.session):
            self._lending.make_room(now)
        self._insist_on((desired.term, desired.rev), why, now)

    def _insist_on(self, wanted: tuple[int, int], why: str, now: int) -> None:
        """Ask until an answer brings at least this; at once what is new, in growing steps what is not."""
        new = self._wanted is None or wanted > self._wanted
        if new:
            self._wanted = wanted
            self._insist.reset()
        if self._lending.phase != "cleaning" and self._lending.held.by_hand is None:
            self.resync(why, now, 0 if new else self._insist.next())

    def _content(self, desired: messages.Desired) -> None:
        """Something at least as new as what was waited for was settled."""
        if self._wanted is not None and (desired.term, desired.rev) >= self._wanted:
            self._wanted = None

    def _ack_applied(self, desired: messages.Desired, now: int) -> None:
        lending, held = self._lending, self._lending.held
        if not lending.in_line():
            return
        session, left, settled, measured = held.session, None, held.settled, None
        if lending.unlocked:
            left = lending.remaining(now)
        elif settled and desired.session in (None, settled.session):
            session, left, measured = settled.session, settled.remaining_ms, settled.rev
        self._ack(held.term, held.rev, "done", session, left_ms=left, measured_rev=measured)

    def _ack_counted(self, desired: messages.Desired, now: int) -> None:
        """Unlocked for it already: what is left by our own count, under the rev that is held."""
        self._content(desired)
        left, rev = self._lending.remaining(now), self._lending.held.rev
        self._ack(desired.term, desired.rev, "done", desired.session, left_ms=left, measured_rev=rev)

    def _ack_ending(self, desired: messages.Desired) -> None:
        """Its session has ended here: no more time, and what it had left."""
        mine = self._lending.measure_of(desired.session)
        self._ack(
            desired.term, desired.rev, "refused", desired.session, "ending",
            left_ms=mine.remaining_ms if mine else None, measured_rev=mine.rev if mine else None,
        )  # fmt: skip

    def refuse(self, term: int, rev: int, reason: str) -> None:
        """Answer a desired session that could not be applied."""
        self._ack(term, rev, "refused", None, reason)

    def _ack(
        self, term: int, rev: int, status: messages.AckStatus, session: str | None,
        reason: str | None = None, left_ms: int | None = None, measured_rev: int | None = None,
    ) -> None:  # fmt: skip
        boot = self._lending.held.boot
        self._turn.say(
            topics.ACK,
            messages.Ack(
                id="desired", boot=boot, status=status, term=term, rev=rev, reason=reason,
                session=session, remaining_ms=left_ms, measured_rev=measured_rev,
            ),
        )  # fmt: skip

    # -------------------------------------------------------------- time

    def advance(self, now: int) -> None:
        for op in self.requests.take_given_up(now):
            self._turn.do(Tell(f"no_answer_{op}", {}))
        if self._voice.connection is not None:
            for request in self.requests.take_due(now):
                self._turn.say(topics.REQUEST, request)

    def moments(self) -> list[int]:
        return self.requests.moments(self._voice.connection is not None)
