"""Another controller takes over: its term is new, and what it knows of our time is not."""

from kiosk_agent.effects import Lock, Warn
from protocol.messages import Resync
from tests.kiosk_agent.hands import MINUTE, Hand


def test_a_new_term_of_the_same_revision_gives_no_time_back() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(5 * MINUTE)
    hand.hear(hand.desired(2, minutes=30, term=2))
    assert hand.remaining == 25 * MINUTE
    hand.wait(1_000)
    request = hand.asked(Resync)
    assert (request.why, request.remaining_ms) == ("stale", 25 * MINUTE)
    hand.answer(request, hand.desired(2, minutes=24, term=2))
    assert hand.remaining == 24 * MINUTE
    assert (hand.last_ack().term, hand.last_ack().rev) == (2, 2)


def test_a_new_term_of_a_higher_revision_extends_at_once() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.hear(hand.desired(3, minutes=45, term=2))
    assert hand.remaining == 45 * MINUTE


def test_a_new_term_of_the_same_revision_may_lock() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.hear(hand.desired(2, "suspended", minutes=30, term=2))
    assert hand.phase == "suspended"
    assert hand.did(Lock, lately=True)


def test_a_new_term_that_shifts_the_deadline_a_little_warns_nobody_twice() -> None:
    hand = Hand().unlocked(minutes=6)
    hand.wait(MINUTE + 50)
    hand.hear(hand.desired(2, term=2, remaining_ms=300_100))
    hand.wait(1_000)
    hand.answer(hand.asked(Resync), hand.desired(2, term=2, remaining_ms=300_100))
    hand.wait(4 * MINUTE + 1_000)
    assert [warning.left_s for warning in hand.did(Warn)] == [300, 120, 60]


def test_a_deadline_that_was_decided_anew_is_warned_of_anew() -> None:
    hand = Hand().unlocked(minutes=6)
    hand.wait(2 * MINUTE)
    hand.hear(hand.desired(3, minutes=6))
    hand.wait(2 * MINUTE)
    assert [warning.left_s for warning in hand.did(Warn)] == [300, 300]
