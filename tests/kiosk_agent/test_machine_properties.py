"""For any order, repetition and channel of messages: the highest revision wins, and only an own answer unlocks."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from kiosk_agent.effects import Unlock
from kiosk_agent.judge import OPEN
from kiosk_agent.memory import Memory
from kiosk_agent.requests import Op
from kiosk_agent.talk import FRESH_MS
from protocol.messages import Accepted, Desired, Resync, Start
from tests.kiosk_agent.hands import MINUTE, Hand

marks = st.tuples(st.integers(1, 3), st.integers(2, 6))
PHASES = ("locked", "active", "suspended", "maintenance", "grace")


def decided(hand: Hand, term: int, rev: int) -> Desired:
    """What was decided at (term, rev): a function of them, as in the database."""
    phase = PHASES[(term * 7 + rev * 3) % len(PHASES)]
    session = f"s{(term + rev) % 2}" if phase in ("active", "suspended", "grace") else None
    minutes = 0 if phase == "grace" else 10 + rev
    return hand.desired(rev, phase, minutes, term=term, session=session)


def nearly_over(desired: Desired, late_ms: int) -> Desired:
    """The same with a second left, computed that long ago."""
    if desired.phase not in OPEN:
        return desired
    left = {"remaining_ms": 0 if desired.phase == "grace" else 500, "grace_ms": 500}
    return structs.replace(desired, computed_at=desired.computed_at - timedelta(milliseconds=late_ms), **left)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(marks, st.booleans()), min_size=1, max_size=25))
def test_the_end_is_that_of_the_highest_revision_in_any_order(
    said: list[tuple[tuple[int, int], bool]],
) -> None:
    hand = Hand().free()
    for (term, rev), retained in said:
        hand.hear(decided(hand, term, rev), retained)
    truth = decided(hand, *max(mark for mark, _ in said))
    for _ in range(50):
        if hand.phase == "cleaning":
            hand.cleaned()
        if "resync" in hand.machine.talk.requests and hand.said(Resync):
            hand.answer(hand.asked(Resync), truth)
        hand.wait(200)
    held = hand.machine.lending.held
    assert (held.term, held.rev) == (truth.term, truth.rev)
    assert hand.phase == truth.phase
    if truth.session is not None:
        assert held.session == truth.session


class AnyOrder(RuleBasedStateMachine):
    """A poste under a mad network: everything repeated, reordered, retained, forged, frozen."""

    @initialize()
    def start(self) -> None:
        self.hand = Hand()
        self.boots = 1
        self.highest = (0, 0)

    def _note(self, allowed: bool) -> None:
        unlocks = self.hand.did(Unlock, lately=True)
        assert not unlocks or allowed, (
            "only an accepted answer to an own question that was just asked unlocks"
        )

    @rule(mark=marks, retained=st.booleans())
    def desired(self, mark: tuple[int, int], retained: bool) -> None:
        self.hand.hear(decided(self.hand, *mark), retained)
        self._note(allowed=False)

    @rule(
        mark=marks, kind=st.sampled_from([Start, Resync]), nonce=st.booleans(), retained=st.booleans(),
        late_ms=st.one_of(st.none(), st.integers(0, 9_000)),
    )  # fmt: skip
    def reply(
        self, mark: tuple[int, int], kind: Any, nonce: bool, retained: bool, late_ms: int | None
    ) -> None:
        asked = self.hand.said(kind)
        if not asked:
            return
        op: Op = "start" if kind is Start else "resync"
        open_now = self.hand.machine.talk.requests.get(op)
        request = asked[-1]
        reply = Accepted(
            id=request.id, nonce=request.nonce if nonce else "forged", server_time=self.hand.server_time,
            desired=self._said(mark, late_ms),
        )  # fmt: skip
        own = open_now is not None and open_now.id == request.id
        asked_at = open_now.sent_at if open_now is not None else None
        fresh = asked_at is not None and self.hand.now - asked_at <= FRESH_MS
        self.hand.hear(reply, retained)
        self._note(allowed=nonce and not retained and own and fresh)

    @precondition(lambda self: self.hand.phase in ("locked", "suspended"))
    @rule(minutes=st.integers(1, 20), late_ms=st.integers(0, 7_000), grace_ms=st.sampled_from([0, 60_000]))
    def let_in(self, minutes: int, late_ms: int, grace_ms: int) -> None:
        """A visitor types a good code and gets a fresh answer, sometimes with hardly any time in it."""
        self.hand.connect()
        self.hand.wait(1_000)
        self.hand.enter("ABC234")
        if (request := self.hand.machine.talk.requests.get("start")) is None:
            return
        held = self.hand.machine.lending.held
        session = held.session or held.traces or f"s{held.rev % 2}"
        desired = self.hand.desired(
            held.rev + 1, minutes=minutes * minutes / 400, term=self.hand.machine.talk.term, session=session,
            grace_ms=grace_ms,
        )  # fmt: skip
        self.hand.sleep(min(late_ms, 1_900))
        self.hand.answer(request, desired)

    def _said(self, mark: tuple[int, int], late_ms: int | None) -> Desired:
        desired = decided(self.hand, *mark)
        return desired if late_ms is None else nearly_over(desired, late_ms)

    @rule()
    def connect(self) -> None:
        self.hand.cut()
        self.hand.connect()
        self._note(allowed=False)

    @rule()
    def cut(self) -> None:
        self.hand.cut()
        self._note(allowed=False)

    @rule(ms=st.integers(0, 900_000))
    def wait(self, ms: int) -> None:
        before = len(self.hand.did(Unlock))
        self.hand.wait(ms)
        assert len(self.hand.did(Unlock)) == before

    @rule()
    def code(self) -> None:
        self.hand.enter("ABC234")
        self._note(allowed=False)

    @rule()
    def ends(self) -> None:
        self.hand.do(self.hand.machine.end(self.hand.now))
        self._note(allowed=False)

    @precondition(lambda self: self.hand.phase == "cleaning")
    @rule()
    def cleaned(self) -> None:
        self.hand.cleaned()
        self._note(allowed=False)

    @rule(frozen=st.integers(0, 20 * MINUTE), after=st.integers(0, 100_000))
    def killed(self, frozen: int, after: int) -> None:
        """It takes up what it lent, unless that ended before it died."""
        countdown = self.hand.machine.lending.held.countdown
        self.hand.sleep(frozen)
        lent = countdown is not None and not countdown.over(self.hand.now)
        self.hand = self.hand.killed(after)
        assert self.hand.machine.lending.unlocked == lent

    @rule()
    def power_cut(self) -> None:
        """Another boot: whatever was, it is locked, and what was being wiped is wiped."""
        before = self.hand.machine.lending.held
        self.boots += 1
        memory = Memory(held=self.hand.disk, events=list(self.hand.machine.events.kept))
        self.hand = Hand(memory, 1_000, f"boot-{self.boots}")
        assert not self.hand.is_unlocked
        assert (self.hand.phase == "cleaning") == before.cleaning
        assert self.hand.machine.lending.held.traces == before.traces

    @invariant()
    def what_is_held_never_goes_back(self) -> None:
        held = self.hand.machine.lending.held
        assert (held.term, held.rev) >= self.highest
        self.highest = (held.term, held.rev)

    @invariant()
    def the_machine_is_what_it_says(self) -> None:
        assert self.hand.is_unlocked == self.hand.machine.lending.unlocked

    @invariant()
    def an_unlocked_machine_has_an_end(self) -> None:
        lending = self.hand.machine.lending
        if lending.unlocked:
            assert lending.held.countdown is not None
            assert lending.held.countdown.end > self.hand.now
            assert lending.held.session == lending.held.traces


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
