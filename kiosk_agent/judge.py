"""Whether a desired session is to be applied: pure, the heart of the safety rules."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from kiosk_agent.memory import Held
from protocol.messages import Desired, Phase

Channel = Literal["reply", "live", "retained"]
OPEN: tuple[Phase, ...] = ("active", "grace")
"""The phases in which the machine is unlocked."""


class Verdict(Enum):
    """What to do with a desired session."""

    APPLY = "apply"
    AGAIN = "again"
    SUPERSEDED = "superseded"
    ENDING = "ending"
    UNSOLICITED = "unsolicited"
    STALE = "stale"
    BARRED = "barred"
    COUNTED = "counted"


@dataclass(frozen=True)
class Standing:
    """What the machine really does as a desired session arrives."""

    held: Held
    phase: Phase
    newest_term: int
    now: int

    @property
    def unlocked(self) -> bool:
        return self.phase in OPEN


def judge(standing: Standing, desired: Desired, channel: Channel, age: int | None) -> Verdict:
    """The verdict on a desired session that came this way, `age` ms after it was computed (None: unknown)."""
    held = standing.held
    mark, ours = (desired.term, desired.rev), (held.term, held.rev)
    if mark < ours or (mark != ours and desired.term < standing.newest_term):
        return Verdict.SUPERSEDED
    if _finished(held, desired):
        return Verdict.ENDING
    if _barred(held, desired):
        return Verdict.BARRED
    if desired.waits and standing.unlocked and desired.session == held.session and mark != ours:
        return Verdict.COUNTED
    if mark == ours and (channel != "reply" or _already(standing, desired)):
        return Verdict.AGAIN
    if desired.phase not in OPEN:
        return Verdict.APPLY
    if channel == "reply":
        return Verdict.STALE if _opens_what_is_over(standing, desired, age or 0) else Verdict.APPLY
    return _open_without_asking(standing, desired, channel, age)


def _finished(held: Held, desired: Desired) -> bool:
    """Is it more time for a session that ended here, or that is being wiped?"""
    if desired.session is None or desired.phase not in (*OPEN, "suspended"):
        return False
    return desired.session == held.over or (held.cleaning and desired.session == held.traces)


def _barred(held: Held, desired: Desired) -> bool:
    """Was the machine locked by a command since that was decided? Another controller decides nothing new."""
    same = desired.session == held.session and desired.rev <= held.rev
    return held.locked_by_order and same and desired.phase in OPEN


def _already(standing: Standing, desired: Desired) -> bool:
    """A reply with the revision that is held changes nothing, unless the machine was locked by a fault."""
    return desired.phase not in OPEN or standing.unlocked


def _opens_what_is_over(standing: Standing, desired: Desired, age: int) -> bool:
    """Would it unlock a machine that had to be locked again at once?"""
    return not standing.unlocked and desired.remaining_ms + desired.grace_ms <= age


def _open_without_asking(standing: Standing, desired: Desired, channel: Channel, age: int | None) -> Verdict:
    if not standing.unlocked or desired.session != standing.held.session:
        return Verdict.UNSOLICITED
    if age is None:
        return Verdict.STALE
    if channel == "live" and desired.remaining_ms + desired.grace_ms <= age:
        # Who wants an end says so. Time that is over as it arrives tells of a clock that was stepped: ask.
        return Verdict.STALE
    longer = extends(standing, desired, age)
    # A new term of the same rev decides nothing new: the sender does not know yet how long we are unlocked.
    is_news = desired.rev > standing.held.rev
    if longer and (channel == "retained" or not is_news):
        return Verdict.STALE
    return Verdict.APPLY


def extends(standing: Standing, desired: Desired, age: int) -> bool:
    """Would it let the visitor stay longer than what is held?"""
    countdown = standing.held.countdown
    end = standing.now + desired.remaining_ms + desired.grace_ms - age
    return countdown is None or end > countdown.end
