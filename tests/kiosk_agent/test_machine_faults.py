"""Dead agents, new boots, broken disks; commands and events."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kiosk_agent.effects import Clean, Forget, Power, Record, Remember, ShowText, Unlock, Warn
from kiosk_agent.effects import Lock as LockNow
from kiosk_agent.memory import Memory
from protocol.messages import (
    Ack,
    Cleaned,
    Command,
    Config,
    ControllerStatus,
    MessageArgs,
    Noted,
    Reboot,
    Resync,
    ShowMessage,
    Start,
    Trouble,
    Warned,
)  # fmt: skip
from protocol.messages import Clean as CleanCommand
from protocol.messages import Lock as LockCommand
from tests.kiosk_agent.hands import BOOT, MINUTE, Hand

# ------------------------------------------------------------------ dead agents and new boots


def test_an_agent_restarted_in_its_boot_resumes_and_gives_the_lost_time_back() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(10 * MINUTE)
    again = hand.killed(after_ms=40_000, mark_ago=200)
    assert again.phase == "active"
    assert again.remaining == 20 * MINUTE + 200
    assert not again.did(Clean)
    again.connect()
    request = again.asked(Resync)
    assert (request.why, request.outage_ms, request.session) == ("restarted", 40_200, "s1")
    again.cut()
    again.wait(1_000)
    again.connect()
    assert again.asked(Resync).outage_ms == 40_200, "until it is answered"
    assert again.asked(Resync).connection == request.connection, "and as one outage"
    again.answer(again.asked(Resync), again.desired(3, minutes=20))
    again.cut()
    again.connect()
    assert (again.asked(Resync).why, again.asked(Resync).outage_ms) == ("connected", 0)


def test_a_warning_given_before_a_restart_is_not_given_again() -> None:
    hand = Hand().unlocked(minutes=10)
    hand.wait(int(8.1 * MINUTE))
    again = hand.killed(after_ms=5_000, mark_ago=20_000)
    again.wait(4 * MINUTE)
    assert [warning.left_s for warning in again.did(Warn)] == [300, 120, 60, 30, 10]


def test_an_agent_killed_while_cleaning_cleans_again() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"))
    again = hand.killed(after_ms=1_000)
    assert again.phase == "cleaning"
    assert again.did(Clean)


def test_an_agent_killed_while_suspended_stays_suspended() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "suspended", minutes=20))
    again = hand.killed(after_ms=1_000)
    assert again.phase == "suspended"
    assert again.remaining == 30 * MINUTE


def test_a_new_boot_in_mid_session_is_locked_and_says_so() -> None:
    hand = Hand().unlocked()
    again = Hand(Memory(held=hand.disk), now=5_000, boot="boot-2")
    assert again.phase == "locked"
    assert not again.did(Unlock)
    again.connect()
    assert (again.asked(Resync).why, again.asked(Resync).boot) == ("boot", "boot-2")


def test_after_a_new_boot_the_visitor_resumes_and_finds_the_files() -> None:
    hand = Hand().unlocked()
    again = Hand(Memory(held=hand.disk), now=5_000, boot="boot-2")
    again.connect()
    again.answer(again.asked(Resync), again.desired(3, "suspended", minutes=20))
    again.enter("ABC234")
    again.answer(again.asked(Start), again.desired(4, minutes=20))
    assert again.phase == "active"
    assert not again.did(Clean)


def test_after_a_new_boot_the_files_of_a_session_that_is_over_are_cleaned() -> None:
    hand = Hand().unlocked()
    again = Hand(Memory(held=hand.disk), now=5_000, boot="boot-2")
    again.connect()
    again.answer(again.asked(Resync), again.desired(3, "locked"))
    assert again.phase == "cleaning"


def test_a_boot_without_a_disk_obeys_whoever_answers() -> None:
    again = Hand(now=5_000, boot="boot-2")
    again.connect()
    again.answer(again.asked(Resync), again.desired(7, "suspended", minutes=20))
    assert again.phase == "suspended"


def test_a_state_that_cannot_be_read_is_told_and_the_machine_is_locked_and_cleaned() -> None:
    hand = Hand(Memory(troubles=["state"]))
    assert hand.phase == "cleaning"
    assert not hand.is_unlocked
    assert hand.did(Clean)
    hand.connect()
    assert hand.said(Trouble)[-1].what == "state_lost"


def test_a_power_cut_while_cleaning_is_followed_by_a_whole_clean_up() -> None:
    hand = Hand().unlocked(minutes=1, grace_ms=0)
    hand.wait(MINUTE)
    hand.hear(hand.desired(3, "locked"))
    again = Hand(Memory(held=hand.disk), now=5_000, boot="boot-2")
    assert again.phase == "cleaning"
    assert again.did(Clean)
    again.connect()
    again.answer(again.asked(Resync), again.desired(3, "locked"))
    again.cleaned()
    assert again.phase == "locked"
    assert (again.said(Cleaned)[-1].session, again.said(Cleaned)[-1].boot) == ("s1", "boot-2")


def test_what_cannot_be_written_is_not_unlocked_and_is_refused() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    hand.answer(hand.asked(Start), hand.desired(2))
    undone = [effect for effect in hand.new if isinstance(effect, Unlock)]
    hand.do(hand.machine.undone(hand.now, list(undone), "storage"))
    assert hand.phase == "locked"
    assert hand.did(LockNow, lately=True)
    assert (hand.last_ack().status, hand.last_ack().reason, hand.last_ack().rev) == ("refused", "storage", 2)
    assert hand.machine.lending.held.rev == 1


# ------------------------------------------------------------------ commands


def command(hand: Hand, kind: Any = LockCommand, **changes: Any) -> Command:
    fields: dict[str, Any] = {
        "id": "c1",
        "term": 1,
        "issued_at": hand.server_time,
        "ttl_ms": 10_000,
        "boot": BOOT,
    }
    order: Command = kind(**fields | changes)
    return order


def test_a_command_is_done_once_and_a_repeat_gets_the_same_answer() -> None:
    hand = Hand().unlocked()
    order = command(hand, ShowMessage, args=MessageArgs(text="Bonjour"))
    hand.hear(order)
    hand.hear(order)
    assert hand.did(ShowText) == [ShowText("Bonjour")]
    assert [(ack.id, ack.status) for ack in hand.said(Ack)][-2:] == [("c1", "done"), ("c1", "done")]


def test_a_command_is_remembered_before_it_is_done() -> None:
    hand = Hand().free()
    hand.hear(command(hand, Reboot))
    kinds = [type(effect) for effect in hand.new]
    assert kinds.index(Remember) < kinds.index(Power)
    assert hand.last_ack().status == "done"


def test_a_command_is_not_done_twice_by_a_restarted_agent() -> None:
    hand = Hand().free()
    order = command(hand, Reboot)
    hand.hear(order)
    again = hand.killed(after_ms=500)
    again.connect()
    again.answer(again.asked(Resync), again.desired(1, "locked"))
    again.hear(order)
    assert len(again.did(Power)) == 1
    assert again.last_ack().status == "done"


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"boot": "another"}, "refused", "other_boot"),
        ({"term": 0}, "refused", "old_term"),
        ({"ttl_ms": 0}, "expired", "too_old"),
    ],
)
def test_a_command_that_is_not_for_now_is_refused(change: dict[str, Any], status: str, reason: str) -> None:
    hand = Hand().unlocked()
    order = command(hand, **change)
    hand.sleep(50)
    hand.hear(order)
    assert hand.phase == "active"
    assert (hand.last_ack().status, hand.last_ack().reason) == (status, reason)


def test_a_retained_command_is_refused() -> None:
    hand = Hand().unlocked()
    hand.hear(command(hand), retained=True)
    assert hand.phase == "active"
    assert hand.last_ack().reason == "retained"


def test_a_command_is_refused_as_long_as_its_age_is_unknown() -> None:
    hand = Hand()
    hand.connect()
    hand.hear(command(hand, Reboot))
    assert not hand.did(Power)
    assert hand.last_ack().reason == "no_clock"


def test_the_age_of_a_command_is_known_though_the_first_question_had_to_be_repeated() -> None:
    hand = Hand()
    hand.connect()
    hand.wait(3_000)
    assert len(hand.said(Resync)) == 2
    hand.answer(hand.asked(Resync), hand.desired(1, "locked"))
    hand.hear(command(hand, Reboot))
    assert hand.did(Power)


def test_questions_that_were_repeated_take_no_time_from_the_visitor() -> None:
    hand = Hand()
    hand.connect()
    hand.wait(3_000)
    hand.answer(hand.asked(Resync), hand.desired(1, "locked"))
    hand.enter("ABC234")
    hand.wait(3_000)
    hand.answer(hand.asked(Start), hand.desired(2, minutes=10))
    hand.hear(hand.desired(3, minutes=11))
    assert hand.remaining is not None
    assert 11 * MINUTE - hand.remaining <= 100


def test_an_answer_that_took_too_long_to_tell_the_time_is_asked_for_again() -> None:
    hand = Hand()
    hand.connect()
    hand.sleep(20_000)
    hand.answer(hand.asked(Resync), hand.desired(1, "locked"))
    hand.hear(command(hand, Reboot))
    assert hand.last_ack().reason == "no_clock"
    hand.wait(3_000)
    hand.answer(hand.asked(Resync), hand.desired(1, "locked"))
    hand.hear(command(hand, Reboot, id="c2"))
    assert hand.did(Power)
    asked = len(hand.said(Resync))
    hand.wait(60_000)
    assert len(hand.said(Resync)) == asked


def test_a_command_to_a_whole_site_names_no_boot() -> None:
    hand = Hand().free()
    hand.hear(command(hand, ShowMessage, boot=None, args=MessageArgs(text="On ferme")))
    assert hand.did(ShowText)


def test_the_last_256_commands_are_remembered() -> None:
    hand = Hand().free()
    for number in range(300):
        hand.hear(command(hand, LockCommand, id=f"c{number}"))
    taken = [one.id for one in hand.machine.orders.commands.all()]
    assert taken == [f"c{number}" for number in range(44, 300)]


def test_locking_by_command_keeps_the_session_and_its_time() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.wait(10 * MINUTE)
    hand.hear(command(hand))
    assert hand.phase == "suspended"
    assert hand.remaining == 20 * MINUTE


def locked_by_command() -> Hand:
    hand = Hand().unlocked(minutes=30)
    hand.hear(command(hand))
    hand.wait(2 * MINUTE)
    return hand


def test_a_machine_locked_by_command_stays_locked_when_the_link_blips() -> None:
    hand = locked_by_command()
    hand.cut()
    hand.wait(500)
    hand.connect()
    request = hand.asked(Resync)
    assert request.outage_ms == 0
    hand.answer(request, hand.desired(2, minutes=28))
    assert (hand.phase, hand.is_unlocked) == ("suspended", False)


def test_a_machine_locked_by_command_stays_locked_under_another_controller() -> None:
    hand = locked_by_command()
    hand.hear(hand.desired(2, minutes=28, term=2))
    hand.cut()
    hand.connect()
    hand.answer(hand.asked(Resync), hand.desired(2, minutes=28, term=2))
    assert hand.phase == "suspended"
    assert hand.machine.lending.held.term == 2
    asked = len(hand.said(Resync))
    hand.wait(10 * MINUTE)
    assert len(hand.said(Resync)) == asked


def test_a_machine_locked_by_command_stays_locked_when_its_agent_dies() -> None:
    hand = locked_by_command().killed(1_000)
    hand.connect()
    assert hand.asked(Resync).outage_ms == 0
    hand.answer(hand.asked(Resync), hand.desired(2, minutes=28))
    assert hand.phase == "suspended"


def test_a_machine_locked_by_command_is_unlocked_by_what_is_decided_after() -> None:
    hand = locked_by_command()
    hand.hear(hand.desired(3, minutes=28))
    assert hand.phase == "suspended"
    hand.answer(hand.asked(Resync), hand.desired(3, minutes=28))
    assert (hand.phase, hand.is_unlocked) == ("active", True)
    assert hand.machine.lending.outage(hand.now) == 0


def test_what_a_fault_cost_before_a_command_locked_is_still_told_after() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.hear(Config(rev=1, site="Test", offline="suspend", offline_after_ms=5_000))
    hand.cut()
    hand.wait(65_000)
    hand.connect()
    hand.hear(command(hand))
    assert hand.machine.lending.outage(hand.now) == 0
    hand.answer(hand.asked(Resync), hand.desired(2))
    assert hand.machine.lending.held.outage_ms == MINUTE


def test_cleaning_by_command_is_done_when_the_machine_is_clean() -> None:
    hand = Hand().free()
    hand.hear(command(hand, CleanCommand))
    assert hand.phase == "cleaning"
    assert hand.last_ack().status == "accepted"
    hand.cleaned()
    assert hand.phase == "locked"
    assert hand.last_ack().status == "done"


def test_a_clean_up_by_command_that_cannot_be_remembered_is_refused_and_not_waited_for() -> None:
    hand = Hand().free()
    hand.hear(command(hand, CleanCommand))
    position = next(at for at, effect in enumerate(hand.new) if isinstance(effect, Remember))
    hand.do(hand.machine.undone(hand.now, hand.new[position:], "storage"))
    assert hand.phase == "locked"
    assert (hand.last_ack().status, hand.last_ack().reason) == ("refused", "storage")
    hand.hear(command(hand, CleanCommand, id="c2"))
    assert hand.phase == "cleaning"


def test_a_clean_up_that_was_dropped_with_a_command_is_begun_again() -> None:
    hand = Hand().unlocked()
    hand.hear(hand.desired(3, "locked"))
    hand.do(hand.machine.undone(hand.now, [Remember(), Clean()], "storage"))
    assert hand.did(Clean, lately=True)
    hand.cleaned()
    assert hand.phase == "locked"


def test_a_poste_in_use_is_not_cleaned_by_command() -> None:
    hand = Hand().unlocked()
    hand.hear(command(hand, CleanCommand))
    assert hand.phase == "active"
    assert hand.last_ack().reason == "busy"


def test_a_malformed_command_with_an_id_is_answered() -> None:
    hand = Hand().free()
    hand.do(hand.machine.malformed_command(hand.now, "c9", "bad_field"))
    assert (hand.last_ack().id, hand.last_ack().status, hand.last_ack().reason) == (
        "c9",
        "refused",
        "bad_field",
    )


# ------------------------------------------------------------------ events


def test_events_are_numbered_and_told_until_they_are_noted() -> None:
    hand = Hand().unlocked(minutes=6)
    hand.cut()
    hand.wait(8 * MINUTE)
    hand.cleaned()
    hand.wait(MINUTE)
    hand.connect()
    told = {event.n: event for event in hand.said(Warned) + hand.said(Cleaned)}
    assert set(told) == {1, 2, 3, 4, 5, 7}
    assert told[7].age_ms == MINUTE
    hand.wait(2 * MINUTE)
    repeats = [event for event in hand.said(Warned) if event.n == 1]
    assert len(repeats) > 2
    hand.hear(Noted(boot=BOOT, n=7, server_time=hand.server_time))
    assert hand.did(Forget)
    before = len(hand.said(Warned))
    hand.wait(5 * MINUTE)
    assert len(hand.said(Warned)) == before


def troubled(hand: Hand, what: str = "tampering") -> list[int]:
    """Something happens; which numbers are told thereupon."""
    hand.do(hand.machine.trouble(hand.now, what))
    return [event.n for event in hand.said(Trouble, lately=True)]


def noted(hand: Hand, n: int) -> list[int]:
    hand.hear(Noted(boot=BOOT, n=n, server_time=hand.server_time))
    return [event.n for event in hand.said(Trouble, lately=True)]


def test_no_event_is_told_past_one_that_was_not_noted() -> None:
    hand = Hand().free()
    assert troubled(hand) == [1]
    assert troubled(hand) == []
    assert noted(hand, 2) == [2], "and what was not told cannot be noted"
    assert [one.event.n for one in hand.machine.events.kept] == [2]
    assert noted(hand, 2) == []
    assert troubled(hand) == [3]


def test_events_of_a_long_absence_are_told_in_order_a_few_at_a_time() -> None:
    hand = Hand().free()
    hand.cut()
    for _ in range(60):
        assert troubled(hand) == []
    hand.connect()
    told = [event.n for event in hand.said(Trouble, lately=True)]
    assert told == list(range(1, 21))
    assert troubled(hand) == []
    hand.cut()
    hand.connect()
    assert [event.n for event in hand.said(Trouble, lately=True)] == told, "again, for they may be lost"
    assert noted(hand, 20) == list(range(21, 41))
    assert noted(hand, 40) == list(range(41, 62))[:20]
    assert noted(hand, 60) == [61]


def test_a_new_controller_cannot_note_what_only_the_one_before_it_heard() -> None:
    hand = Hand().free()
    hand.hear(ControllerStatus(online=True, controller="a", term=1, protocol=1, run="r1"))
    hand.cut()
    troubled(hand)
    hand.connect()
    first = [event.n for event in hand.said(Trouble, lately=True)]
    hand.hear(ControllerStatus(online=True, controller="b", term=2, protocol=1, run="r2"))
    assert noted(hand, first[-1]) == []
    assert [one.event.n for one in hand.machine.events.kept] == first
    before = len(hand.said(Trouble))
    hand.wait(900)
    assert len(hand.said(Trouble)) == before, "what it has heard of them may be noted meanwhile"
    hand.wait(1_100)
    assert [event.n for event in hand.said(Trouble)[before:]] == first
    noted(hand, first[-1])
    assert hand.machine.events.kept == []


def test_two_events_of_one_turn_are_both_written() -> None:
    hand = Hand(Memory(troubles=["commands", "alive"]))
    assert [record.happened.event.n for record in hand.did(Record)] == [1, 2]


def test_numbers_of_events_that_nobody_knows_are_not_used_again() -> None:
    hand = Hand(Memory(troubles=["events", "alive"]), now=90_000)
    assert hand.machine.events.kept[0].event.n > 90_000


def test_what_another_boot_noted_is_not_forgotten() -> None:
    hand = Hand().unlocked(minutes=6)
    hand.wait(2 * MINUTE)
    hand.hear(Noted(boot="another", n=99, server_time=hand.server_time))
    assert len(hand.machine.events.kept) == 1


def test_the_oldest_events_go_first_when_nobody_notes_them() -> None:
    hand = Hand()
    for _ in range(600):
        hand.do(hand.machine.trouble(hand.now, "ui_crashed"))
    events = hand.machine.events
    assert (events.kept[0].event.n, events.kept[-1].event.n, events.dropped) == (101, 600, 100)


def test_a_stepped_server_clock_is_learnt_anew() -> None:
    hand = Hand().unlocked(minutes=30)
    hand.cut()
    hand.connect()
    desired = hand.desired(3, minutes=30)
    ahead = desired.computed_at + timedelta(hours=2)
    hand.answer(hand.asked(Resync), msgspec.structs.replace(desired, computed_at=ahead), server_time=ahead)
    assert hand.remaining == 30 * MINUTE
