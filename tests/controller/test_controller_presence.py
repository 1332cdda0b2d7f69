"""Who is there, by the receiver's own clock."""

import pytest

from controller.presence import SILENCE_S, Presence
from protocol.messages import Heartbeat, State, Status

POSTE = "poste-1"


def status(*, online: bool, boot: str = "b1", connection: int = 1) -> Status:
    return Status(online=online, boot=boot, connection=connection)


def beat(*, boot: str = "b1", phase: str = "locked", term: int = 3) -> Heartbeat:
    return Heartbeat(boot=boot, term=term, rev=1, phase=phase)  # type: ignore[arg-type]


@pytest.fixture
def room() -> Presence:
    """A room whose only poste has come online at instant 100, by its first connection."""
    room = Presence()
    assert room.status(POSTE, status(online=True), 100.0)
    return room


def test_a_birth_makes_a_poste_present(room: Presence) -> None:
    assert room.of(POSTE).online


def test_a_will_makes_it_absent(room: Presence) -> None:
    assert room.status(POSTE, status(online=False), 101.0)
    assert room.of(POSTE).online is False


def test_the_late_will_of_an_earlier_connection_changes_nothing(room: Presence) -> None:
    room.status(POSTE, status(online=True, connection=2), 101.0)
    assert not room.status(POSTE, status(online=False, connection=1), 102.0)
    assert room.of(POSTE).online


def test_the_late_will_of_an_earlier_boot_changes_nothing(room: Presence) -> None:
    room.status(POSTE, status(online=True, boot="b2", connection=1), 101.0)
    assert not room.status(POSTE, status(online=False, boot="b1", connection=9), 102.0)
    assert room.of(POSTE).online


def test_a_birth_with_a_new_boot_always_wins(room: Presence) -> None:
    room.status(POSTE, status(online=True, connection=8), 101.0)
    assert room.status(POSTE, status(online=True, boot="b2", connection=1), 102.0)
    assert room.of(POSTE).boot == "b2"


def test_silence_makes_a_poste_absent_and_a_heartbeat_brings_it_back(room: Presence) -> None:
    assert room.silent(100.0 + SILENCE_S) == []
    assert room.silent(100.1 + SILENCE_S) == [POSTE]
    assert room.heartbeat(POSTE, beat(), 200.0)
    assert room.of(POSTE).online


def test_the_heartbeat_of_another_boot_does_not_speak_for_this_one(room: Presence) -> None:
    assert not room.heartbeat(POSTE, beat(boot="b0", phase="active"), 101.0)
    assert room.of(POSTE).phase is None


def test_a_will_is_no_sign_of_life(room: Presence) -> None:
    room.status(POSTE, status(online=False), 140.0)
    assert room.of(POSTE).heard == 100.0


def test_only_an_unlocked_poste_is_heard_working(room: Presence) -> None:
    room.heartbeat(POSTE, beat(phase="active"), 110.0)
    room.heartbeat(POSTE, beat(phase="locked"), 120.0)
    assert room.of(POSTE).worked == 110.0


def test_without_a_broker_nobody_knows_who_is_there(room: Presence) -> None:
    assert room.lose_all() == [POSTE]
    assert room.of(POSTE).online is None
    assert room.silent(1000.0) == []


def test_the_highest_term_that_postes_tell_is_known(room: Presence) -> None:
    room.heartbeat(POSTE, beat(term=7), 110.0)
    assert room.highest_term(100) == 7
    room.heartbeat(POSTE, beat(term=2**52), 111.0)
    assert room.highest_term(100) == 0


def test_a_state_tells_whether_the_phase_has_changed(room: Presence) -> None:
    told = State(boot="b1", seq=1, term=1, rev=1, phase="cleaning")
    assert room.state(POSTE, told)
    assert not room.state(POSTE, told)
    assert not room.state(POSTE, State(boot="b0", seq=2, term=1, rev=1, phase="locked"))
