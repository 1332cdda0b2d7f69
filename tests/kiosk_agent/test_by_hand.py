"""A technician opens a machine without the server: the one audited exception to a fresh answer."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk_agent.broker import Broker
from kiosk_agent.effects import Clean, Effect, Lock, Record, Unlock
from kiosk_agent.lending import BY_HAND
from kiosk_agent.local.messages import Shown
from kiosk_agent.memory import Memory
from kiosk_agent.seeing import view_of
from kiosk_agent.settings import Settings
from kiosk_agent.ui import scene as scenes
from kiosk_agent.ui.scene import Scene
from kiosk_agent.ui.screen import InUse, screen
from kiosk_agent.ui.screen import Lock as LockScreen
from protocol import messages
from protocol.messages import Resync, Start, State, Trouble
from tests.kiosk_agent.hands import MINUTE, Hand

WHY = "réseau coupé"


def opened(hand: Hand, seconds: int = 600) -> Hand:
    hand.do(hand.machine.open_by_hand(hand.now, WHY, seconds))
    return hand


def command(hand: Hand, kind: type[messages.Lock | messages.Clean]) -> messages.Lock | messages.Clean:
    return kind(id="c1", term=1, issued_at=hand.server_time, ttl_ms=30_000, boot="boot-1")


def told(hand: Hand) -> list[tuple[str, str]]:
    return [(one.what, one.detail) for one in hand.happened(Trouble)]


def test_it_opens_with_no_server_and_the_audit_is_written_before() -> None:
    hand = opened(Hand())
    assert hand.is_unlocked
    assert hand.phase == "maintenance"
    order = [type(effect) for effect in hand.new]
    assert order.index(Record) < order.index(Unlock)
    assert hand.did(Unlock)[-1].session == BY_HAND
    assert told(hand) == [("unlocked_by_hand", f"600 s: {WHY}")]


def test_it_locks_by_itself_at_its_end_and_is_cleaned() -> None:
    hand = opened(Hand(), 600)
    hand.wait(10 * MINUTE - 1)
    assert len(hand.did(Lock)) == 1, "it is open to the last millisecond"
    hand.wait(1)
    assert not hand.is_unlocked
    assert (hand.phase, len(hand.did(Clean))) == ("cleaning", 1)
    assert told(hand)[-1] == ("locked_after_hand", "600 s: time_over")
    hand.cleaned()
    assert hand.phase == "locked"


@pytest.mark.parametrize("phase", ["active", "suspended", "cleaning", "by hand"])
def test_it_is_refused_while_a_session_is_here(phase: str) -> None:
    hand = Hand().free()
    if phase == "by hand":
        opened(hand)
    else:
        hand = Hand().unlocked()
    if phase == "suspended":
        hand.hear(hand.desired(3, "suspended"))
    if phase == "cleaning":
        hand.do(hand.machine.end(hand.now))
    before, bolts = hand.phase, len(hand.did(Unlock))
    assert hand.machine.lending.closed_to_hand() is not None
    opened(hand)
    assert (hand.phase, len(hand.did(Unlock))) == (before, bolts)


def test_a_code_cannot_be_typed_meanwhile_and_a_late_answer_opens_nothing() -> None:
    hand = Hand().free()
    hand.enter("ABC234")
    question = hand.asked(Start)
    opened(hand)
    hand.answer(question, hand.desired(2))
    assert hand.machine.lending.held.session is None
    asked = len(hand.said(Start))
    hand.enter("XYZ234")
    assert len(hand.said(Start)) == asked
    hand.wait(10 * MINUTE)
    assert not hand.is_unlocked, "the answer of before does not open it at the end either"


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize("phase", ["active", "grace", "locked", "suspended", "maintenance"])
def test_nothing_that_is_desired_makes_a_session_of_it_or_prolongs_it(phase: str, retained: bool) -> None:
    hand = opened(Hand().free())
    hand.hear(hand.desired(2, phase), retained)
    for question in hand.said(Resync)[1:]:
        hand.answer(question, hand.desired(2, phase))
    assert hand.phase == "maintenance"
    assert len(hand.did(Unlock)) == 1
    assert not hand.did(Clean), "the technician is not thrown out by what is wanted of the poste"
    hand.wait(10 * MINUTE)
    assert not hand.is_unlocked


def test_a_session_that_was_started_meanwhile_is_asked_for_at_the_end() -> None:
    hand = opened(Hand().free())
    hand.hear(hand.desired(2))
    hand.wait(10 * MINUTE)
    hand.cleaned()
    hand.wait(100)
    hand.answer(hand.asked(Resync), hand.desired(2))
    assert (hand.phase, hand.is_unlocked) == ("active", True)


def test_a_session_that_was_paused_here_meanwhile_waits_for_its_visitor() -> None:
    hand = opened(Hand().free())
    hand.hear(hand.desired(2, "suspended", minutes=7))
    hand.wait(10 * MINUTE)
    hand.cleaned()
    assert (hand.phase, hand.remaining) == ("suspended", 7 * MINUTE)


def test_the_desk_can_lock_it_and_who_is_there_can_end_it() -> None:
    by_order = opened(Hand().free())
    by_order.hear(command(by_order, messages.Lock))
    assert (by_order.phase, by_order.last_ack().status) == ("cleaning", "done")
    by_technician = opened(Hand().free())
    by_technician.wait(90_000)
    by_technician.do(by_technician.machine.end(by_technician.now))
    assert told(by_technician)[-1] == ("locked_after_hand", "90 s: technician")


def test_nobody_cleans_under_a_technician() -> None:
    hand = opened(Hand().free())
    hand.hear(command(hand, messages.Clean))
    assert (hand.last_ack().status, hand.last_ack().reason) == ("refused", "busy")
    assert hand.is_unlocked


def test_the_controller_sees_maintenance_and_hears_all_of_it_once_the_link_is_back() -> None:
    hand = opened(Hand())
    hand.wait(3 * MINUTE)
    hand.connect()
    assert hand.said(State)[-1].phase == "maintenance"
    assert hand.asked(Resync).phase == "maintenance"
    (event,) = hand.said(Trouble)
    assert (event.what, event.age_ms) == ("unlocked_by_hand", 3 * MINUTE)


def test_a_killed_agent_does_not_open_it_again() -> None:
    hand = opened(Hand())
    hand.wait(MINUTE)
    again = hand.killed(after_ms=2_000)
    assert not again.is_unlocked
    assert again.phase == "cleaning"
    assert told(again)[-1] == ("locked_after_hand", "60 s: restarted")


def test_another_start_of_the_machine_wipes_what_was_left() -> None:
    hand = opened(Hand())
    memory = Memory(held=hand.disk, events=list(hand.machine.events.kept), last_event=0)
    again = Hand(memory, boot="boot-2")
    assert (again.phase, again.is_unlocked) == ("cleaning", False)
    assert told(again)[-1][0] == "locked_after_hand"


def test_the_window_says_so_plainly_and_offers_no_more_time() -> None:
    hand = opened(Hand())
    settings = Settings("s", "p1", Broker("h", 1, "p1", ""), Path("/nowhere"))
    scene = scenes.heard(Scene(menu=True), Shown(view=view_of(hand.machine, settings, hand.now)), hand.now)
    wall = datetime(2026, 11, 20, 9, tzinfo=UTC)
    seen = screen(replace(scene, menu=True), hand.now, wall)
    assert isinstance(seen, InUse)
    assert seen.banner.startswith("Ouvert par un technicien, sans l’accueil. Verrouillage dans 10")
    assert seen.menu is not None
    assert not seen.menu.may_ask
    hand.wait(10 * MINUTE)
    locked = scenes.heard(scene, Shown(view=view_of(hand.machine, settings, hand.now)), hand.now)
    assert isinstance(screen(locked, hand.now, wall), LockScreen)


def test_when_the_audit_cannot_be_written_it_stays_locked() -> None:
    hand = Hand().free()
    opened(hand)
    undone: list[Effect] = [effect for effect in hand.new if isinstance(effect, Record | Unlock)]
    hand.done = [effect for effect in hand.done if effect not in undone]
    hand.do(hand.machine.undone(hand.now, undone, "storage"))
    assert hand.machine.lending.held.by_hand is None
    assert (hand.phase, isinstance(hand.did(Lock)[-1], Lock)) == ("locked", True)
    assert not hand.is_unlocked
