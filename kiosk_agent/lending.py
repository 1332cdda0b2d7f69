"""The machine lent to one visitor at a time: what a desired session does to it, and what time does."""

from collections.abc import Callable

from msgspec import structs

from kiosk_agent.countdown import Countdown
from kiosk_agent.effects import Clean, Effect, Lock, Tell, Unlock, Warn
from kiosk_agent.judge import OPEN, Standing
from kiosk_agent.memory import ByHand, Held, Settled
from kiosk_agent.platform.base import Attestation
from protocol.messages import Cleaned, CleanedItem, Desired, Ended, Event, Phase, Trouble, Warned

UNKNOWN_TRACES = "unknown"
BY_HAND = "by-hand"
"""What the platform is told to open for when no session is: a technician is there."""
TOLD_FROM_MS = 5_000
"""A change of the deadline smaller than this is not worth a sentence."""


class Lending:
    """What is held and what the machine really does. It says effects and events to whom it was given."""

    def __init__(self, boot: str, do: Callable[[Effect], None], happened: Callable[[Event], None]) -> None:
        self.held = Held(boot=boot)
        self.phase: Phase = "locked"
        self._do = do
        self._happened = happened

    # -------------------------------------------------------------- what it is

    @property
    def unlocked(self) -> bool:
        return self.phase in OPEN

    @property
    def is_open(self) -> bool:
        """Is anybody at the machine, a visitor or a technician?"""
        return self.unlocked or self.held.by_hand is not None

    @property
    def at_rest(self) -> bool:
        """Is nobody at the machine, nobody expected back, and nothing being wiped?"""
        return self.phase in ("locked", "maintenance") and self.held.by_hand is None

    def standing(self, newest_term: int, now: int) -> Standing:
        return Standing(self.held, self.phase, newest_term, now)

    def remaining(self, now: int) -> int | None:
        """The time left to the session that is here, by this machine's measure."""
        countdown = self.held.countdown
        return countdown.remaining(now) if countdown else self.held.left_ms

    def measure_of(self, session: str | None) -> Settled | None:
        """What a session had left when it was locked here last."""
        settled = self.held.settled
        return settled if settled is not None and settled.session == session else None

    def grace_left(self, now: int) -> int | None:
        countdown = self.held.countdown
        return countdown.grace_left(now) if countdown and self.phase == "grace" else None

    def outage(self, now: int) -> int:
        """How long the session was locked by faults and not credited for it."""
        if self.held.locked_by_order:
            return 0
        since = self.held.fault_since
        return self.held.outage_ms + (now - since if since is not None else 0)

    def room_for(self, session: str | None) -> bool:
        """May this session be let in, or are another one's files still there?"""
        return self.phase != "cleaning" and self.held.traces in (None, session)

    def in_line(self) -> bool:
        """Does the machine do what it holds?"""
        return self.held.desired not in OPEN or self.unlocked

    # -------------------------------------------------------------- the start of the agent

    def wake(self, held: Held | None, alive_at: int | None, lost: bool, now: int) -> str:
        """Take up what the disk says. Returns why the controller is to be asked: `boot` or `restarted`."""
        boot = self.held.boot
        if held is not None and held.by_hand is not None:
            self._say_closed(held.by_hand, "restarted", alive_at)
        if held is None or held.boot != boot:
            self.held = self._new_boot(boot, held)
            if lost:
                self.held.traces = UNKNOWN_TRACES
            self._do(Lock())
            self._go_on_cleaning()
            return "boot"
        self.held = held
        if held.by_hand is not None:
            self._close()
        elif held.countdown is not None:
            # The agent lived when it wrote this, and all that was lost before is in it.
            gap = now - max(alive_at, held.written_at or 0) if alive_at is not None else 0
            self._take_up(held.countdown, gap, now)
        else:
            self._do(Lock())
            self._settle_down()
        return "restarted"

    def _go_on_cleaning(self) -> None:
        """What was being wiped is wiped, and so is what nobody knows of any more."""
        if self.held.cleaning or self.held.traces == UNKNOWN_TRACES:
            self.begin_cleaning()

    def _new_boot(self, boot: str, held: Held | None) -> Held:
        if held is None:
            return Held(boot=boot)
        return Held(
            boot=boot, term=held.term, rev=held.rev, config=held.config,
            traces=held.traces, over=held.over, cleaning=held.cleaning,
        )  # fmt: skip

    def _take_up(self, countdown: Countdown, gap: int, now: int) -> None:
        """The agent died in mid-session and the machine was locked since: that time does not count."""
        self.held.outage_ms += max(0, gap)
        self.held.countdown = countdown = countdown.postponed(max(0, gap))
        if countdown.over(now):
            self.end_here("expired", now)
        else:
            self._unlock(self.held.session or UNKNOWN_TRACES, countdown, now)

    def _settle_down(self) -> None:
        """Locked: take the phase that follows from what is held."""
        if self.held.cleaning:
            self.begin_cleaning()
        elif self.held.by_hand is not None or self.held.desired == "maintenance":
            self.phase = "maintenance"
        else:
            self.phase = "suspended" if self.held.session is not None else "locked"

    # -------------------------------------------------------------- what the controller wants

    def apply(self, desired: Desired, age: int, now: int) -> None:
        """Follow a desired session that was judged fit, `age` ms after it was computed."""
        if (desired.session, desired.rev) != (self.held.session, self.held.rev):
            self.held.warned = ()
        self.held.locked_by_order = False
        if desired.phase in OPEN and desired.session is not None:
            self._lend(desired, age, now)
        elif desired.phase == "suspended" and desired.session is not None:
            self._suspend(desired, desired.session, now)
        else:
            self._take_back(now)
        self.held.term, self.held.rev = desired.term, desired.rev
        self.held.desired = desired.phase
        if self.phase != "cleaning" and not self.unlocked:
            self._settle_down()

    def _lend(self, desired: Desired, age: int, now: int) -> None:
        before = self.held.countdown
        warnings = [left for left in desired.warnings if left not in self.held.warned]
        countdown = Countdown.begin(now, max(0, desired.remaining_ms - age), desired.grace_ms, warnings)
        if desired.remaining_ms < age:
            countdown = countdown.postponed(desired.remaining_ms - age)
        if not self.unlocked or before is None:
            self._unlock(desired.session or UNKNOWN_TRACES, countdown, now)
            return
        self.held.countdown = countdown
        self.phase = "grace" if countdown.in_grace(now) else "active"
        self._tell_difference(countdown.deadline - before.deadline)

    def _tell_difference(self, by_ms: int) -> None:
        if abs(by_ms) >= TOLD_FROM_MS:
            key = "time_added" if by_ms > 0 else "time_taken"
            self._do(Tell(key, {"seconds": round(abs(by_ms) / 1000)}))

    def _unlock(self, session: str, countdown: Countdown, now: int) -> None:
        held = self.held
        held.session = held.traces = session
        held.countdown, held.left_ms, held.settled = countdown, None, None
        held.fault_since = None
        self.phase = "grace" if countdown.in_grace(now) else "active"
        self._do(Unlock(session))

    def _suspend(self, desired: Desired, session: str, now: int) -> None:
        held = self.held
        if self.unlocked and held.session == session:
            self._lock(now)
        elif held.traces not in (None, session):
            self.make_room(now)
            held.left_ms = desired.remaining_ms
        else:
            held.left_ms = desired.remaining_ms
        held.session, held.fault_since = session, None

    def _take_back(self, now: int) -> None:
        self.make_room(now)
        held = self.held
        held.session = held.left_ms = held.fault_since = held.over = None

    def make_room(self, now: int) -> None:
        """End what is here: lock, and clean if a visitor left files. A technician stays until the end of that."""
        if self.held.by_hand is not None:
            return
        if self.unlocked:
            self._lock(now)
        if self.held.traces is not None and self.phase != "cleaning":
            self.begin_cleaning()

    # -------------------------------------------------------------- a technician

    def closed_to_hand(self) -> str | None:
        """Why a technician may not open the machine; None when that is possible: nobody's session is here."""
        held = self.held
        if held.by_hand is not None:
            return "open_already"
        if self.phase == "cleaning":
            return "cleaning"
        free = self.phase in ("locked", "maintenance") and held.session is None and held.traces is None
        return None if free else "session_here"

    def open_by_hand(self, reason: str, seconds: int, now: int) -> None:
        """Open to a technician, with no answer of anybody: told as maintenance, and kept as an event before.

        It is not a session: no code and no desired session does anything to it, and what it leaves is wiped.
        """
        held = self.held
        held.by_hand, held.traces = ByHand(now, now + 1000 * seconds), UNKNOWN_TRACES
        self.phase = "maintenance"
        self._happened(Trouble(n=0, boot="", what="unlocked_by_hand", detail=f"{seconds} s: {reason}"))
        self._do(Unlock(BY_HAND))

    def close_by_hand(self, why: str, now: int) -> None:
        """The technician's time is over: lock, say so, clean."""
        if self.held.by_hand is not None:
            self._say_closed(self.held.by_hand, why, now)
            self._close()

    def _say_closed(self, by_hand: ByHand, why: str, at: int | None) -> None:
        lasted_s = max(0, (by_hand.since if at is None else at) - by_hand.since) // 1000
        self._happened(Trouble(n=0, boot="", what="locked_after_hand", detail=f"{lasted_s} s: {why}"))

    def _close(self) -> None:
        held = self.held
        session, left = held.session, held.left_ms
        self._do(Lock())
        held.by_hand = None
        self.begin_cleaning()
        held.session, held.left_ms = session, left

    # -------------------------------------------------------------- what happens here

    def _lock(self, now: int) -> None:
        held = self.held
        left = self.remaining(now) or 0
        if held.session is not None:
            held.settled = Settled(held.session, left, held.rev)
        held.countdown, held.left_ms = None, left
        self.phase = "locked"
        self._do(Lock())

    def end_here(self, reason: str, now: int) -> None:
        """The session ends by the poste's own doing: lock, say so, clean."""
        session = self.held.session
        self._lock(now)
        self.held.over = session
        self.say_ended(reason)
        self.begin_cleaning()

    def lock_by_fault(self, now: int) -> None:
        """Lock in mid-session and keep the time that is left, until the controller is asked again."""
        self._lock(now)
        self.phase = "suspended"
        self.held.fault_since = now

    def lock_by_order(self, now: int) -> None:
        """Lock until something new is decided; what faults cost before this stays to be told then."""
        held = self.held
        held.outage_ms, held.fault_since = self.outage(now), None
        if self.unlocked:
            self._lock(now)
        self.phase = "suspended"
        held.locked_by_order = True

    def say_ended(self, reason: str) -> None:
        """Tell that the poste locked by itself, and what the session had left."""
        held = self.held
        left, rev = held.left_ms or 0, held.rev
        self._happened(Ended(n=0, boot="", session=held.session, reason=reason, remaining_ms=left, rev=rev))

    def credited(self) -> None:
        """The controller knows what was lost by faults, if it was told."""
        if self.held.locked_by_order:
            return
        self.held.outage_ms = self.held.outage_connection = 0
        self.held.fault_since = None

    def begin_cleaning(self) -> None:
        held = self.held
        held.traces = held.traces or UNKNOWN_TRACES
        held.cleaning = True
        held.session = held.left_ms = held.countdown = held.fault_since = None
        held.locked_by_order = False
        self.phase = "cleaning"
        self._do(Clean())

    def cleaned(self, attestation: Attestation) -> None:
        """The clean-up ended, well or not: attest it and be what is wanted of a locked machine."""
        items = tuple(CleanedItem(what=w, count=c, bytes=b) for w, c, b in attestation.items)
        session = None if self.held.traces == UNKNOWN_TRACES else self.held.traces
        self._happened(
            Cleaned(
                n=0, boot="", session=session, ms=attestation.ms, items=items, leftovers=attestation.leftovers
            )
        )
        self.held.traces, self.held.cleaning = None, False
        self._settle_down()

    def revert(self, held: Held, now: int) -> None:
        """What was decided could not be written: be locked, holding what was held before."""
        left = held.countdown.remaining(now) if held.countdown else held.left_ms
        self.held = structs.replace(held, countdown=None, left_ms=left)
        self._do(Lock())
        self._settle_down()

    # -------------------------------------------------------------- what time does

    def advance(self, now: int) -> None:
        """Warn, enter the grace, lock at its end; and at the end of a technician's time."""
        countdown, by_hand = self.held.countdown, self.held.by_hand
        if by_hand is not None and by_hand.until <= now:
            self.close_by_hand("time_over", now)
        if not self.unlocked or countdown is None:
            return
        if countdown.over(now):
            self.end_here("expired", now)
        elif countdown.in_grace(now):
            self._enter_grace(countdown)
        elif countdown.due(now):
            self._warn(countdown, now)

    def _enter_grace(self, countdown: Countdown) -> None:
        if self.phase == "grace":
            return
        self.phase = "grace"
        self.held.countdown = structs.replace(countdown, pending=())
        self._do(Tell("grace", {"seconds": countdown.grace_ms // 1000}))

    def _warn(self, countdown: Countdown, now: int) -> None:
        """Give the warning that is due. Of several (the machine slept), only the last is still true."""
        due = countdown.due(now)
        left = due[-1]
        self.held.countdown = countdown.warned(now)
        self.held.warned += due
        self._do(Warn(left))
        self._happened(Warned(n=0, boot="", session=self.held.session, left_s=left))

    def next_wake(self, now: int) -> int | None:
        countdown, by_hand = self.held.countdown, self.held.by_hand
        if by_hand is not None:
            return by_hand.until
        return countdown.next_wake(now) if countdown and self.unlocked else None
