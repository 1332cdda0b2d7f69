"""A session's life on a poste, with a clock turned by hand."""

from kiosk_agent.effects import Clean, Lock, Persist, Publish, Tell, TellAnswer, Unlock, Warn
from protocol.messages import (
    Cleaned,
    Ended,
    Ending,
    Extend,
    Refused,
    Resync,
    Start,
    State,
    Status,
    Waiting,
    Warned,
)  # fmt: skip
from tests.kiosk_agent.hands import MINUTE, Hand


def test_a_machine_boots_locked_and_asks_what_to_do() -> None:
    hand = Hand()
    assert hand.did(Lock)
    assert hand.phase == "locked"
    hand.connect()
    kinds = [type(effect.message).__name__ for effect in hand.new if isinstance(effect, Publish)]
    assert kinds == ["Status", "Info", "State", "Resync"]
    assert hand.asked(Resync).why == "boot"


def test_an_accepted_code_unlocks_and_is_acked_with_the_time_that_is_left() -> None:
    hand = Hand().free()
    hand.enter(" abc 234 ")
    assert hand.asked(Start).code == "ABC234"
    hand.answer(hand.asked(Start), hand.desired(2, minutes=30))
    assert hand.phase == "active"
    assert hand.did(Unlock) == [Unlock("s1")]
    ack = hand.last_ack()
    assert (ack.id, ack.status, ack.rev, ack.session, ack.remaining_ms) == (
        "desired", "done", 2, "s1", 30 * MINUTE,
    )  # fmt: skip
    assert hand.said(State)[-1].phase == "active"


def test_what_is_held_is_written_before_the_machine_is_unlocked() -> None:
    hand = Hand().unlocked()
    kinds = [type(effect) for effect in hand.new]
    assert kinds.index(Persist) < kinds.index(Unlock)


def test_the_machine_is_locked_before_anything_is_written() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"))
    assert [type(effect) for effect in hand.new[:2]] == [Lock, Persist]


def test_each_warning_is_given_exactly_once() -> None:
    hand = Hand().unlocked(minutes=10)
    hand.wait(11 * MINUTE)
    assert [warning.left_s for warning in hand.did(Warn)] == [300, 120, 60, 30, 10]
    assert sorted({event.left_s for event in hand.said(Warned)}) == [10, 30, 60, 120, 300]


def test_added_time_gives_the_warnings_again() -> None:
    hand = Hand().unlocked(minutes=2.5)
    hand.wait(2 * MINUTE)
    hand.hear(hand.desired(3, minutes=3))
    hand.wait(4 * MINUTE)
    assert [warning.left_s for warning in hand.did(Warn)] == [120, 60, 30, 120, 60, 30, 10]


def test_a_warning_that_lies_before_the_session_is_not_given() -> None:
    hand = Hand().unlocked(minutes=1)
    hand.wait(1)
    assert hand.did(Warn) == []


def test_of_the_warnings_missed_while_asleep_only_the_last_is_given() -> None:
    hand = Hand().unlocked(minutes=10)
    hand.sleep(int(9.2 * MINUTE))
    hand.wait(0)
    assert [warning.left_s for warning in hand.did(Warn)] == [60]


def test_the_end_is_grace_then_lock_then_cleaning_then_free() -> None:
    hand = Hand().unlocked(minutes=10)
    hand.wait(10 * MINUTE)
    assert hand.phase == "grace"
    assert hand.remaining == 0
    assert not hand.did(Clean)
    hand.wait(MINUTE - 1)
    assert hand.phase == "grace"
    hand.wait(1)
    assert hand.phase == "cleaning"
    assert hand.did(Clean)
    assert hand.happened(Ended)[-1].session == "s1"
    hand.cleaned()
    assert hand.phase == "locked"
    assert hand.happened(Cleaned)[-1].session == "s1"
    phases = [state.phase for state in hand.said(State)]
    assert phases[-4:] == ["active", "grace", "cleaning", "locked"]


def test_a_session_without_grace_locks_at_its_deadline() -> None:
    hand = Hand().unlocked(minutes=1, grace_ms=0)
    hand.wait(MINUTE - 1)
    assert hand.phase == "active"
    hand.wait(1)
    assert hand.phase == "cleaning"


def test_the_poste_warns_graces_locks_and_cleans_with_no_network() -> None:
    hand = Hand().unlocked(minutes=6)
    hand.cut()
    hand.wait(7 * MINUTE)
    assert hand.phase == "cleaning"
    assert len(hand.did(Warn)) == 5
    hand.cleaned()
    hand.connect()
    assert {type(event).__name__ for event in hand.said(Ended, lately=True) + hand.said(Cleaned, lately=True)}
    assert hand.asked(Resync).phase == "locked"


def test_time_can_be_added_during_the_grace() -> None:
    hand = Hand().unlocked(minutes=1)
    hand.wait(MINUTE + 30_000)
    assert hand.phase == "grace"
    hand.hear(hand.desired(3, minutes=15))
    assert hand.phase == "active"
    assert hand.remaining == 15 * MINUTE


def test_added_time_is_told_as_a_difference() -> None:
    hand = Hand().unlocked(minutes=10)
    hand.hear(hand.desired(3, minutes=25))
    assert hand.did(Tell)[-1] == Tell("time_added", {"seconds": 900})
    hand.hear(hand.desired(4, minutes=20))
    assert hand.did(Tell)[-1] == Tell("time_taken", {"seconds": 300})


def test_a_poste_that_began_to_clean_refuses_more_time() -> None:
    hand = Hand().unlocked(minutes=1)
    hand.wait(2 * MINUTE)
    assert hand.phase == "cleaning"
    hand.hear(hand.desired(3, minutes=15))
    ack = hand.last_ack()
    assert (ack.status, ack.reason, ack.rev, ack.session) == ("refused", "ending", 3, "s1")
    assert hand.phase == "cleaning"
    assert len(hand.did(Unlock)) == 1


def test_a_session_that_ended_here_is_refused_also_once_the_poste_is_clean() -> None:
    hand = Hand().unlocked(minutes=1)
    hand.wait(2 * MINUTE)
    hand.cleaned()
    hand.hear(hand.desired(3, minutes=15))
    assert hand.last_ack().reason == "ending"
    assert len(hand.did(Unlock)) == 1


def test_a_session_moved_away_and_back_is_let_in_again() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"))
    hand.cleaned()
    hand.hear(hand.desired(4))
    hand.answer(hand.asked(Resync), hand.desired(4))
    assert hand.phase == "active"


def test_a_suspended_session_is_locked_and_not_cleaned() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(10 * MINUTE)
    hand.hear(hand.desired(3, "suspended", minutes=20))
    assert hand.phase == "suspended"
    assert not hand.did(Clean)
    assert hand.last_ack().remaining_ms == 20 * MINUTE
    assert hand.last_ack().session == "s1"
    hand.wait(60 * MINUTE)
    assert hand.phase == "suspended"
    assert hand.remaining == 20 * MINUTE


def test_a_suspended_session_resumes_with_its_code_and_its_files() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.hear(hand.desired(3, "suspended", minutes=20))
    hand.enter("ABC234")
    hand.answer(hand.asked(Start), hand.desired(4, minutes=20))
    assert hand.phase == "active"
    assert not hand.did(Clean)


def test_a_suspended_session_that_is_ended_is_cleaned() -> None:
    hand = Hand().unlocked()
    hand.wait(10 * MINUTE)
    hand.hear(hand.desired(3, "suspended", minutes=20))
    hand.hear(hand.desired(4, "locked"))
    assert hand.phase == "cleaning"
    assert hand.last_ack().remaining_ms == 20 * MINUTE


def test_a_session_ended_at_the_desk_is_acked_with_what_was_left() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(12 * MINUTE)
    hand.hear(hand.desired(3, "locked"))
    assert hand.phase == "cleaning"
    assert (hand.last_ack().session, hand.last_ack().remaining_ms) == ("s1", 18 * MINUTE)


def test_maintenance_ends_the_session_and_is_shown() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "maintenance"))
    hand.cleaned()
    assert hand.phase == "maintenance"


def test_another_session_waits_until_the_first_is_cleaned_and_then_asks() -> None:
    hand = Hand().unlocked()
    hand.wait(3_000)
    hand.hear(hand.desired(3, session="s2"))
    assert hand.phase == "cleaning"
    assert len(hand.did(Unlock)) == 1
    hand.wait(500)
    hand.cleaned()
    request = hand.asked(Resync)
    assert request.why == "unsolicited"
    assert request.phase == "locked"
    hand.answer(request, hand.desired(3, session="s2"))
    assert hand.did(Unlock)[-1] == Unlock("s2")


def test_the_visitor_ends_the_session_at_once_even_with_no_network() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(10 * MINUTE)
    hand.cut()
    hand.do(hand.machine.end(hand.now))
    assert hand.phase == "cleaning"
    hand.wait(120_000)
    hand.connect()
    request = hand.asked(Ending)
    assert (request.session, request.remaining_ms) == ("s1", 20 * MINUTE)
    hand.answer(request, hand.desired(3, "locked"))
    assert hand.last_ack().remaining_ms == 20 * MINUTE


def test_asking_for_time_waits_for_the_desk_and_is_not_repeated_meanwhile() -> None:
    hand = Hand().unlocked()
    hand.do(hand.machine.ask_time(hand.now))
    request = hand.asked(Extend)
    hand.hear(
        Waiting(id=request.id, nonce=request.nonce, server_time=hand.server_time, fr="On attend.", en="W.")
    )
    assert hand.did(TellAnswer)[-1].fr == "On attend."
    hand.wait(5 * MINUTE)
    assert len(hand.said(Extend)) == 1
    hand.do(hand.machine.ask_time(hand.now))
    assert hand.did(Tell)[-1].key == "asked_already"
    refusal = Refused(
        id=request.id, nonce=request.nonce, server_time=hand.server_time, reason="desk", fr="Non.", en="No."
    )
    hand.hear(refusal)
    assert hand.did(TellAnswer)[-1].reason == "desk"


def test_a_refused_code_is_told_and_a_wait_is_kept() -> None:
    hand = Hand().free()
    hand.enter("WRONG2")
    request = hand.asked(Start)
    refusal = Refused(
        id=request.id, nonce=request.nonce, server_time=hand.server_time, reason="code_unknown",
        fr="Ce code est inconnu.", en="This code is unknown.", retry_after_s=30,
    )  # fmt: skip
    hand.hear(refusal)
    assert hand.did(TellAnswer)[-1].fr == "Ce code est inconnu."
    assert hand.phase == "locked"
    hand.enter("WRONG3")
    assert len(hand.said(Start)) == 1
    assert hand.did(Tell)[-1] == Tell("wait", {"seconds": 30})
    hand.wait(30_000)
    hand.enter("GOOD23")
    assert hand.asked(Start).code == "GOOD23"


def test_cleaning_with_leftovers_says_so() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"))
    hand.cleaned("/tmp/secret")
    assert hand.said(Cleaned)[-1].leftovers == ("/tmp/secret",)


def test_a_poste_declared_offline_says_that_it_is_online() -> None:
    hand = Hand().free()
    hand.hear(Status(online=False, boot="boot-1", connection=1, reason="lost"))
    hand.wait(1_000)
    assert len([status for status in hand.said(Status) if status.online]) == 2


def test_a_paused_machine_says_what_was_left_when_it_locked_and_under_which_rev() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(10 * MINUTE)
    hand.hear(hand.desired(3, "suspended", minutes=25))
    hand.hear(hand.desired(4, minutes=25, waits=True))
    asked = hand.asked(Resync)
    assert (asked.rev, asked.remaining_ms, asked.measured_rev) == (3, 20 * MINUTE, 2)
    hand.answer(asked, hand.desired(4, minutes=20, waits=True))
    hand.cut()
    hand.connect()
    assert (hand.asked(Resync).remaining_ms, hand.asked(Resync).measured_rev) == (20 * MINUTE, None)


def test_what_an_unlocked_machine_asked_is_asked_anew_once_it_is_locked() -> None:
    """Its answer would let the time count from when it was asked."""
    hand = Hand().unlocked(minutes=30)
    hand.cut()
    hand.connect()
    early = hand.asked(Resync)
    hand.hear(hand.desired(3, "suspended", minutes=30))
    hand.answer(early, hand.desired(4, minutes=30))
    assert not hand.is_unlocked
    hand.answer(hand.asked(Resync), hand.desired(4, minutes=30))
    assert hand.is_unlocked
