"""What must change nothing, what must be asked again, who is believed: the wire's safety rules."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kiosk_agent.effects import Clean, Lock, Tell, TellAnswer, Unlock
from kiosk_agent.memory import Memory
from protocol.messages import (
    Accepted,
    Ack,
    Config,
    ControllerStatus,
    Refused,
    Resync,
    Start,
    State,
    Status,
)
from tests.kiosk_agent.hands import MINUTE, Hand


def standing(hand: Hand) -> tuple[Any, ...]:
    """All that a message might change."""
    held = hand.machine.lending.held
    return hand.phase, held.term, held.rev, held.session, held.countdown, hand.did(Unlock), hand.did(Lock)


def unchanged(hand: Hand, message: object, retained: bool = False) -> None:
    before = standing(hand)
    hand.hear(message, retained)
    assert standing(hand) == before


# ------------------------------------------------------------------ replies


def test_a_reply_with_a_foreign_nonce_changes_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    request = hand.asked(Start)
    reply = Accepted(id=request.id, nonce="x", server_time=hand.server_time, desired=hand.desired(2))
    unchanged(hand, reply)


def test_a_reply_to_another_request_changes_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    request = hand.asked(Start)
    unchanged(
        hand, Accepted(id="y", nonce=request.nonce, server_time=hand.server_time, desired=hand.desired(2))
    )


def test_a_retained_reply_changes_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    request = hand.asked(Start)
    reply = Accepted(
        id=request.id, nonce=request.nonce, server_time=hand.server_time, desired=hand.desired(2)
    )
    unchanged(hand, reply, retained=True)


def test_a_repeated_reply_changes_nothing() -> None:
    hand = Hand().unlocked()
    request = hand.asked(Start)
    hand.wait(MINUTE)
    unchanged(
        hand,
        Accepted(id=request.id, nonce=request.nonce, server_time=hand.server_time, desired=hand.desired(2)),
    )


def test_a_reply_of_an_earlier_life_of_the_agent_changes_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    request = hand.asked(Start)
    again = hand.killed(after_ms=1_000)
    again.connect()
    unchanged(
        again,
        Accepted(id=request.id, nonce=request.nonce, server_time=again.server_time, desired=again.desired(2)),
    )


def test_an_answer_that_comes_too_late_unlocks_nothing_and_is_asked_again() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    late = hand.desired(2)
    hand.sleep(20_000)
    request = hand.asked(Start)
    hand.machine.voice.down()  # frozen: it repeated nothing meanwhile
    hand.answer(request, late, server_time=late.computed_at)
    assert hand.phase == "locked"
    assert not hand.did(Unlock)


def resynced_on_a_bad_line() -> Hand:
    """Connected and told to be locked, by an answer to a repeated question: nothing is learnt of the server's clock."""
    hand = Hand()
    hand.connect()
    hand.wait(2_500)
    assert len(hand.said(Resync)) == 2
    hand.answer(hand.asked(Resync), hand.desired(1, "locked"))
    return hand


@pytest.mark.parametrize("estimate", [False, True], ids=["no estimate", "a server's clock that was stepped"])
@pytest.mark.parametrize("waits", [False, True])
def test_an_old_answer_to_a_repeated_question_unlocks_nothing_and_a_new_question_does(
    estimate: bool, waits: bool
) -> None:
    hand = Hand().free() if estimate else resynced_on_a_bad_line()
    step = timedelta(seconds=60 if estimate else 0)
    hand.enter("ABC234")
    server_time = hand.server_time + step
    old = hand.desired(2, waits=waits, computed_at=server_time)
    hand.wait(50_000)
    assert len(hand.said(Start)) > 2
    hand.answer(hand.asked(Start), old, server_time=server_time)
    assert not hand.did(Unlock)
    assert hand.asked(Resync).why == "unsolicited"
    hand.answer(hand.asked(Resync), hand.desired(2, waits=waits))
    assert hand.is_unlocked


def test_an_old_answer_unlocks_nothing_after_the_machine_slept() -> None:
    hand = resynced_on_a_bad_line()
    hand.enter("ABC234")
    old, server_time = hand.desired(2), hand.server_time
    hand.sleep(50_000)
    hand.answer(hand.asked(Start), old, server_time=server_time)
    assert not hand.did(Unlock)


def test_a_start_at_the_desk_is_not_let_in_by_an_old_answer_to_a_repeated_resync() -> None:
    hand = resynced_on_a_bad_line()
    hand.hear(hand.desired(2))
    question, old, server_time = hand.asked(Resync), hand.desired(2), hand.server_time
    hand.wait(50_000)
    assert hand.asked(Resync).id == question.id
    hand.answer(question, old, server_time=server_time)
    assert not hand.did(Unlock)
    hand.wait(1_000)
    assert hand.asked(Resync).id != question.id
    hand.answer(hand.asked(Resync), hand.desired(2))
    assert hand.is_unlocked


def test_the_time_an_answer_took_is_not_given_twice() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    desired, server_time = hand.desired(2, minutes=10), hand.server_time
    hand.sleep(1_500)
    hand.answer(hand.asked(Start), desired, server_time=server_time)
    assert hand.remaining == 10 * MINUTE - 1_500


def test_a_start_that_was_long_on_its_way_costs_the_visitor_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    desired, server_time = hand.desired(2, minutes=10, waits=True), hand.server_time
    hand.sleep(1_500)
    hand.answer(hand.asked(Start), desired, server_time=server_time)
    assert hand.remaining == 10 * MINUTE
    assert hand.last_ack().remaining_ms == 10 * MINUTE


@pytest.mark.parametrize("mark", [(1, 3), (2, 2), (2, 4)])
@pytest.mark.parametrize("retained", [False, True])
def test_who_is_unlocked_already_goes_on_and_tells_what_is_left_under_which_revision(
    mark: tuple[int, int], retained: bool
) -> None:
    hand = Hand().unlocked(minutes=10, waits=True)
    hand.wait(4_000)
    term, rev = mark
    unchanged(hand, hand.desired(rev, minutes=15, waits=True, term=term), retained)
    ack = hand.last_ack()
    assert (ack.status, ack.term, ack.rev, ack.session) == ("done", term, rev, "s1")
    assert (ack.remaining_ms, ack.measured_rev) == (10 * MINUTE - 4_000, 2)
    hand.hear(hand.desired(rev + 1, minutes=14, term=term))
    assert hand.remaining == 14 * MINUTE


# ------------------------------------------------------------------ desired sessions


def test_a_lower_revision_is_superseded() -> None:
    hand = Hand().unlocked()
    unchanged(hand, hand.desired(1, "locked"))
    ack = hand.last_ack()
    assert (ack.status, ack.term, ack.rev) == ("superseded", 1, 2)


def test_an_older_term_is_superseded_whatever_its_revision() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, term=2))
    unchanged(hand, hand.desired(99, "locked", term=1))
    assert hand.last_ack().status == "superseded"


def test_a_controller_that_lost_the_lease_is_not_believed() -> None:
    hand = Hand().unlocked()
    hand.hear(ControllerStatus(online=True, controller="b", term=2, protocol=1, run="r2"))
    unchanged(hand, hand.desired(3, "locked", term=1))
    assert hand.last_ack().status == "superseded"


def test_an_equal_revision_is_acked_again_and_changes_nothing() -> None:
    hand = Hand().unlocked()
    hand.wait(MINUTE)
    unchanged(hand, hand.desired(2, minutes=30))
    assert hand.last_ack().status == "done"
    assert hand.last_ack().remaining_ms == 29 * MINUTE


def test_an_unsolicited_active_session_unlocks_only_after_being_asked_about() -> None:
    hand = Hand().free()
    unchanged(hand, hand.desired(2))
    request = hand.asked(Resync)
    assert request.why == "unsolicited"
    hand.answer(request, hand.desired(2))
    assert hand.phase == "active"


def test_a_resumption_at_the_desk_is_asked_about_too() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "suspended", minutes=20))
    unchanged(hand, hand.desired(4, minutes=20))
    hand.answer(hand.asked(Resync), hand.desired(4, minutes=20))
    assert hand.phase == "active"
    assert hand.remaining == 20 * MINUTE


def test_a_retained_message_never_unlocks() -> None:
    hand = Hand().free()
    unchanged(hand, hand.desired(2), retained=True)
    assert hand.asked(Resync).why == "unsolicited"


def test_a_retained_message_never_extends() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(MINUTE)
    unchanged(hand, hand.desired(3, minutes=45), retained=True)
    assert hand.asked(Resync).why == "stale"


def test_a_retained_message_may_shorten() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.hear(hand.desired(3, minutes=10), retained=True)
    assert hand.remaining == 10 * MINUTE


def test_a_retained_message_may_lock() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"), retained=True)
    assert hand.phase == "cleaning"


def test_a_message_that_was_delayed_is_aged() -> None:
    hand = Hand().unlocked(minutes=30)
    late = hand.desired(3, minutes=45)
    hand.sleep(4 * MINUTE)
    hand.hear(late)
    assert hand.remaining == 41 * MINUTE


def test_time_that_is_over_as_it_arrives_is_asked_about_for_a_clock_may_have_been_stepped() -> None:
    hand = Hand().unlocked(minutes=30)
    stepped = hand.desired(3, minutes=45)
    an_hour_back = stepped.computed_at - timedelta(hours=1)
    hand.hear(msgspec.structs.replace(stepped, computed_at=an_hour_back))
    assert hand.is_unlocked
    assert hand.remaining == 30 * MINUTE
    request, now = hand.asked(Resync), hand.server_time - timedelta(hours=1)
    again = msgspec.structs.replace(stepped, computed_at=now)
    hand.answer(request, again, server_time=now)
    assert hand.remaining == 45 * MINUTE


def test_without_an_estimate_of_the_servers_clock_more_time_is_asked_about() -> None:
    hand = Hand().unlocked(minutes=30)
    again = hand.killed(after_ms=1_000)
    again.connect()
    unchanged(again, again.desired(3, minutes=60))
    again.wait(3_000)
    assert again.remaining is not None
    assert again.remaining < 30 * MINUTE


def test_an_answer_older_than_what_was_announced_is_followed_by_another_question() -> None:
    hand = Hand().free()
    hand.hear(hand.desired(5))
    first = hand.asked(Resync)
    hand.answer(first, hand.desired(2, "locked"))
    hand.wait(1_000)
    second = hand.asked(Resync)
    assert second.id != first.id
    hand.answer(second, hand.desired(5))
    assert hand.phase == "active"


def test_a_controller_that_never_gives_what_it_announced_is_not_asked_in_a_hot_loop() -> None:
    hand = Hand().free()
    hand.hear(hand.desired(5))
    for _ in range(600):
        if "resync" in hand.machine.talk.requests:
            hand.answer(hand.asked(Resync), hand.desired(2, "locked"))
        hand.wait(100)
    assert len({request.id for request in hand.said(Resync)}) < 15


# ------------------------------------------------------------------ requests


def test_a_request_is_repeated_with_its_id_and_nonce_until_given_up_honestly() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    hand.wait(61_000)
    starts = hand.said(Start)
    assert len({(start.id, start.nonce) for start in starts}) == 1
    assert 10 <= len(starts) <= 20
    assert hand.did(Tell)[-1].key == "no_answer_start"
    unchanged(hand, Accepted(
        id=starts[0].id, nonce=starts[0].nonce, server_time=hand.server_time, desired=hand.desired(2)
    ))  # fmt: skip


def test_the_first_repeat_comes_after_two_seconds() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    hand.wait(1_999)
    assert len(hand.said(Start)) == 1
    hand.wait(501)
    assert len(hand.said(Start)) == 2


def test_a_code_typed_while_the_link_is_down_is_sent_once_it_is_back() -> None:
    hand = Hand().free()
    hand.cut()
    hand.enter("ABC234")
    assert hand.did(Tell)[-1].key == "trying"
    assert not hand.said(Start)
    hand.wait(10_000)
    hand.connect()
    kinds = [type(message).__name__ for message in hand.said(object, lately=True)]
    assert kinds == ["Status", "Info", "State", "Resync", "Start"]


def test_an_unanswered_resync_backs_off_but_never_stops() -> None:
    hand = Hand()
    hand.connect()
    hand.wait(10 * MINUTE)
    assert 15 <= len(hand.said(Resync)) <= 30
    assert len({request.id for request in hand.said(Resync)}) == 1


def test_a_refused_resync_waits_as_long_as_it_is_told() -> None:
    hand = Hand()
    hand.connect()
    request = hand.asked(Resync)
    hand.hear(Refused(
        id=request.id, nonce=request.nonce, server_time=hand.server_time, reason="unknown", fr="", en="",
        retry_after_s=60,
    ))  # fmt: skip
    hand.wait(59_000)
    assert len(hand.said(Resync)) == 1
    hand.wait(2_000)
    assert len(hand.said(Resync)) == 2


def test_a_restarted_controller_is_asked_soon() -> None:
    hand = Hand().unlocked()
    hand.hear(ControllerStatus(online=True, controller="a", term=1, protocol=1, run="r1"), retained=True)
    before = len(hand.said(Resync))
    hand.wait(5_000)
    assert len(hand.said(Resync)) == before
    hand.hear(ControllerStatus(online=True, controller="a", term=1, protocol=1, run="r2"))
    hand.wait(1_000)
    assert len(hand.said(Resync)) == before + 1


def test_a_question_that_waited_is_repeated_when_a_controller_appears() -> None:
    hand = Hand()
    hand.connect()
    hand.wait(2 * MINUTE)
    before = len(hand.said(Resync))
    hand.hear(ControllerStatus(online=True, controller="a", term=1, protocol=1, run="r1"))
    hand.wait(1_000)
    assert len(hand.said(Resync)) == before + 1


def test_a_code_that_is_too_long_is_not_sent() -> None:
    hand = Hand().free()
    hand.enter("A" * 40)
    assert not hand.said(Start)
    assert hand.did(Tell)[-1].key == "code_too_long"


# ------------------------------------------------------------------ lost links


def offline_suspends(hand: Hand) -> Hand:
    hand.hear(Config(rev=1, site="Test", offline="suspend", offline_after_ms=5_000), retained=True)
    return hand


def test_under_the_rule_suspend_a_lost_link_locks_and_keeps_the_time() -> None:
    hand = offline_suspends(Hand().unlocked(minutes=30))
    hand.wait(10 * MINUTE)
    hand.cut()
    hand.wait(4_999)
    assert hand.phase == "active"
    hand.wait(1)
    assert hand.phase == "suspended"
    assert not hand.did(Clean)
    hand.wait(5 * MINUTE)
    hand.connect()
    request = hand.asked(Resync)
    left = 20 * MINUTE - 5_000
    assert (request.phase, request.remaining_ms, request.outage_ms) == ("suspended", left, 5 * MINUTE)
    assert request.connection == 2
    hand.answer(request, hand.desired(3, minutes=20))
    assert hand.phase == "active"
    assert hand.remaining == 20 * MINUTE
    hand.cut()
    hand.connect()
    assert hand.asked(Resync).outage_ms == 0


def test_under_the_rule_suspend_the_same_revision_unlocks_again_when_asked() -> None:
    hand = offline_suspends(Hand().unlocked(minutes=30))
    hand.cut()
    hand.wait(6_000)
    hand.connect()
    hand.answer(hand.asked(Resync), hand.desired(2, minutes=29))
    assert hand.phase == "active"


def test_a_short_cut_locks_nothing() -> None:
    hand = offline_suspends(Hand().unlocked())
    hand.cut()
    hand.wait(3_000)
    hand.connect()
    hand.wait(60_000)
    assert hand.phase == "active"


def test_under_the_rule_continue_nothing_happens() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.cut()
    hand.wait(29 * MINUTE)
    assert hand.phase == "active"


def test_nothing_is_locked_a_second_time_by_a_fault_equal_in_revision() -> None:
    hand = offline_suspends(Hand().unlocked(minutes=30))
    hand.cut()
    hand.wait(6_000)
    hand.connect()
    acks = len(hand.said(Ack))
    hand.hear(hand.desired(2), retained=True)
    assert len(hand.said(Ack)) == acks, "it does not claim to be active"


@pytest.mark.parametrize("online", [True, False])
def test_the_presence_of_others_and_ones_own_echo_change_nothing(online: bool) -> None:
    hand = Hand().unlocked()
    unchanged(hand, Status(online=online, boot="another", connection=9))


def test_the_sequence_of_states_rises_over_restarts_of_the_agent() -> None:
    hand = Hand().unlocked()
    again = hand.killed(after_ms=500)
    again.connect()
    seqs = [state.seq for state in again.said(State)]
    assert seqs == sorted(set(seqs))


def test_the_configuration_heard_last_holds_whatever_its_number() -> None:
    hand = Hand().free()
    hand.hear(Config(rev=9, site="Former site", offline="suspend"), retained=True)
    again = Hand(Memory(held=hand.disk), now=5_000, boot="boot-2")
    again.connect()
    again.hear(Config(rev=1, site="Here"), retained=True)
    config = again.machine.lending.held.config
    assert config is not None
    assert (config.site, config.offline) == ("Here", "continue")


def restarted_without_estimate() -> Hand:
    hand = Hand().unlocked(minutes=70)
    again = hand.killed(after_ms=500)
    again.connect()
    return again


@pytest.mark.parametrize("retained", [True, False])
def test_without_an_estimate_less_time_is_asked_about_too(retained: bool) -> None:
    hand = restarted_without_estimate()
    request = hand.asked(Resync)
    shorter = hand.desired(3, minutes=60)
    half_an_hour_ago = shorter.computed_at - timedelta(minutes=30)
    unchanged(hand, msgspec.structs.replace(shorter, computed_at=half_an_hour_ago), retained)
    hand.answer(request, hand.desired(3, minutes=30))
    assert hand.remaining == 30 * MINUTE
    hand.wait(1_000)
    assert "resync" not in hand.machine.talk.requests


@pytest.mark.parametrize("retained", [True, False])
@pytest.mark.parametrize(("phase", "becomes"), [("locked", "cleaning"), ("suspended", "suspended")])
def test_without_an_estimate_what_locks_is_followed_at_once(retained: bool, phase: str, becomes: str) -> None:
    hand = restarted_without_estimate()
    hand.hear(hand.desired(3, phase), retained)
    assert (hand.phase, hand.is_unlocked) == (becomes, False)


def test_the_will_of_a_replaced_controller_does_not_take_the_desk_away() -> None:
    hand = Hand().free()
    hand.hear(ControllerStatus(online=True, controller="b", term=5, protocol=1, run="b"))
    hand.hear(ControllerStatus(online=False, controller="a", term=4, protocol=1, run="a"))
    assert hand.machine.talk.controller_online
    hand.hear(ControllerStatus(online=False, controller="b", term=5, protocol=1, run="b"))
    assert not hand.machine.talk.controller_online


def test_an_instant_in_the_future_gives_no_time() -> None:
    hand = Hand().unlocked(minutes=30)
    desired = hand.desired(3, minutes=30)
    ahead = msgspec.structs.replace(desired, computed_at=desired.computed_at + timedelta(hours=1))
    hand.hear(ahead)
    assert hand.remaining == 30 * MINUTE
    assert not hand.did(TellAnswer)
