"""A machine that nobody touches: "êtes-vous là ?", and what follows from the site's policy."""

from typing import Any

import pytest

from kiosk_agent.effects import Lock
from kiosk_agent.idleness import ANSWER_MS
from kiosk_agent.platform.dry import DryPlatform
from protocol.messages import Config, Ended, Ending, Idle
from tests.kiosk_agent.hands import Hand


def _in_use(idle: Any) -> Hand:
    """A visitor at a poste that asks after 5 minutes without a touch."""
    hand = Hand().unlocked(minutes=60)
    hand.hear(Config(rev=1, site="Le Port", idle_s=300, idle=idle))
    return hand


def _idle(hand: Hand, seconds: int) -> None:
    hand.do(hand.machine.idle(hand.now, seconds))


def _outcomes(hand: Hand) -> list[str]:
    return [one.outcome for one in hand.happened(Idle)]


def test_a_visitor_is_asked_and_a_touch_is_the_answer() -> None:
    hand = _in_use("end")
    _idle(hand, 299)
    assert _outcomes(hand) == []
    _idle(hand, 300)
    assert hand.machine.idleness.asked_at == hand.now
    hand.wait(ANSWER_MS)
    _idle(hand, 0)
    assert _outcomes(hand) == ["asked", "stayed"]
    assert hand.is_unlocked


def test_who_does_not_answer_is_gone_and_the_session_ends_with_its_reason() -> None:
    hand = _in_use("end")
    _idle(hand, 300)
    hand.wait(ANSWER_MS - 1)
    _idle(hand, 359)
    assert hand.is_unlocked
    hand.wait(1)
    _idle(hand, 360)
    assert _outcomes(hand) == ["asked", "ended"]
    assert hand.did(Lock, lately=True)
    assert [one.reason for one in hand.happened(Ended)] == ["idle"]
    assert (hand.asked(Ending).session, hand.asked(Ending).why) == ("s1", "idle")


@pytest.mark.parametrize(("idle", "outcomes"), [("warn", ["asked"]), ("off", [])])
def test_a_site_that_only_warns_or_does_not_look_ends_nothing(idle: str, outcomes: list[str]) -> None:
    hand = _in_use(idle)
    for seconds in (300, 400):
        _idle(hand, seconds)
        hand.wait(ANSWER_MS + 1)
    _idle(hand, 900)
    assert _outcomes(hand) == outcomes
    assert hand.is_unlocked


def test_nobody_is_asked_at_a_locked_machine() -> None:
    hand = Hand().free()
    hand.hear(Config(rev=1, site="Le Port", idle_s=300))
    _idle(hand, 5_000)
    assert _outcomes(hand) == []


def test_a_dry_machine_counts_from_the_last_touch() -> None:
    now = [100.0]
    machine = DryPlatform(clock=lambda: now[0])
    now[0] = 400.0
    assert machine.idle_s() == 300
    machine.touched()
    assert machine.idle_s() == 0
