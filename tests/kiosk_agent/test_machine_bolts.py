"""What is over is never unlocked: the machine is as its phase says, whatever came late or was lost."""

import pytest

from kiosk_agent.effects import Clean, Lock, Unlock
from kiosk_agent.memory import Memory
from kiosk_agent.turn import Turn
from protocol.messages import Ended, Resync, Start
from tests.kiosk_agent.hands import Hand


@pytest.mark.parametrize("late_ms", [2_000, 4_000, 7_900])
def test_an_answer_older_than_the_time_it_gives_unlocks_nothing_and_is_asked_again(late_ms: int) -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    given = hand.desired(2, minutes=2 / 60, grace_ms=0)
    hand.sleep(late_ms)
    hand.answer(hand.asked(Start), given)
    assert not hand.is_unlocked
    assert hand.phase == "locked"
    assert hand.asked(Resync).why == "stale"
    hand.answer(hand.asked(Resync), hand.desired(2, minutes=2 / 60, grace_ms=0))
    assert hand.phase == "active"


def test_an_answer_that_is_over_when_the_machine_is_unlocked_locks_it() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.cut()
    hand.connect()
    shorter = hand.desired(3, minutes=1 / 60, grace_ms=0)
    hand.sleep(3_000)
    hand.answer(hand.asked(Resync), shorter)
    assert (hand.phase, hand.is_unlocked) == ("cleaning", False)


def test_an_agent_killed_after_the_end_and_before_it_could_lock_ends_the_session() -> None:
    hand = Hand().unlocked(minutes=1, grace_ms=0)
    hand.sleep(70_000)
    again = hand.killed(1_000)
    assert (again.phase, again.is_unlocked) == ("cleaning", False)
    assert not again.did(Unlock, lately=True)
    assert again.did(Clean, lately=True)
    again.connect()
    assert again.said(Ended)[-1].reason == "expired"


def test_a_session_whose_end_passed_while_nobody_knows_since_when_is_not_unlocked() -> None:
    hand = Hand().unlocked(minutes=1, grace_ms=0)
    hand.wait(30_000)
    again = Hand(Memory(held=hand.disk, alive_at=None), hand.now + 3_600_000)
    assert (again.phase, again.is_unlocked) == ("cleaning", False)


def test_a_turn_that_unlocks_and_locks_only_locks() -> None:
    turn = Turn()
    for effect in (Unlock("s1"), Lock(), Clean()):
        turn.do(effect)
    assert turn.take(None) == [Lock(), Clean()]


def test_a_turn_that_locks_and_unlocks_does_both() -> None:
    turn = Turn()
    for effect in (Unlock("s1"), Lock(), Unlock("s2")):
        turn.do(effect)
    assert turn.take(None)[0] == Lock()
    assert turn.take(None) == []
