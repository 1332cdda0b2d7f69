"""People act at both ends while these do not know of each other: what was granted is still used plus left."""

import time
from typing import Any

import pytest
from sqlalchemy import select

from fleet.database import tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import acks, events, kiosk, sessions, sites
from protocol import messages
from tests.support.rooms import BOOT, Room

MINUTE = 60_000
USED_MS = 10_000
"""How long the poste was unlocked before it locked by itself; it had ten minutes then."""
LEFT_MS = 10 * MINUTE - USED_MS


def _apply(room: Room, poste: int, **told: Any) -> None:
    said = {"id": acks.DESIRED, "boot": BOOT, "term": 1, "rev": room.wanted(poste).rev, **told}
    acks.applied(room.fleet, room.lease, [(poste, messages.Ack(**said))])


def _end(room: Room, poste: int, session: int, rev: int) -> None:
    asked = messages.Ending(
        id="e-1", nonce="n", boot=BOOT, session=str(session), remaining_ms=LEFT_MS, rev=rev
    )
    kiosk.ending(room.fleet, room.lease, poste, asked)


def _used_ms(room: Room, session: int) -> int:
    row = room.row(session)
    return int(row.duree_initiale_ms + row.temps_ajoute_ms - row.restant_ms)


def test_a_visitor_who_leaves_before_the_poste_knew_of_more_time_used_no_more(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.add_time(room.fleet, room.actor, session, 300)
    sessions.suspend(room.fleet, room.actor, session)
    _end(room, poste, session, held)
    assert _used_ms(room, session) == USED_MS


def test_an_end_at_the_desk_after_more_time_that_the_poste_never_heard_of(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.add_time(room.fleet, room.actor, session, 300)
    sessions.terminate(room.fleet, room.actor, session)
    told = {"status": "done", "session": str(session), "remaining_ms": LEFT_MS, "measured_rev": held}
    _apply(room, poste, **told)
    assert _used_ms(room, session) == USED_MS


def test_a_poste_that_refuses_what_it_had_applied_was_left_by_its_visitor(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    told = {"status": "refused", "reason": "ending", "session": str(session)}
    _apply(room, poste, **told, remaining_ms=LEFT_MS, measured_rev=held)
    assert (room.row(session).statut, room.row(session).motif_fin) == ("terminee", "fin_visiteur")
    assert _used_ms(room, session) == USED_MS
    _end(room, poste, session, held)
    assert _used_ms(room, session) == USED_MS


def test_time_that_came_too_late_is_taken_back_and_no_other(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.add_time(room.fleet, room.actor, session, 300)
    told = {"status": "refused", "reason": "ending", "session": str(session)}
    _apply(room, poste, **told, remaining_ms=0, measured_rev=held)
    row = room.row(session)
    assert (row.statut, row.motif_fin) == ("expiree", "fin_nettoyage")
    assert row.duree_initiale_ms + row.temps_ajoute_ms == 10 * MINUTE
    assert _used_ms(room, session) == 10 * MINUTE


def test_a_pause_that_comes_after_the_poste_has_ended_the_session_ends_it(room: Room) -> None:
    """Its time was up while nobody drove the site; the desk paused it by its own clock, a moment before."""
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.add_time(room.fleet, room.actor, session, 60)
    rev = sessions.suspend(room.fleet, room.actor, session)
    told = {"status": "refused", "reason": "ending", "session": str(session)}
    _apply(room, poste, **told, rev=rev, remaining_ms=0, measured_rev=held)
    row = room.row(session)
    assert (row.statut, row.motif_fin) == ("expiree", "fin_nettoyage")
    assert _used_ms(room, session) == 10 * MINUTE
    assert room.wanted(poste).session is None
    assert room.wanted(poste).rev == rev + 1


def test_what_was_taken_back_is_not_given_again_when_the_poste_says_that_it_locked(room: Room) -> None:
    """Several postes at once: each refuses what came too late, then does the rev that follows."""
    running = [room.running(600, poste=poste) for poste in room.postes]
    held = [room.wanted(poste).rev for poste in room.postes]
    refused, locked = [], []
    for n, (poste, session) in enumerate(zip(room.postes, running, strict=True)):
        # More often at each, so that their revs differ.
        rev = [sessions.add_time(room.fleet, room.actor, session, 60) for _ in range(n + 1)][-1]
        said = {"id": acks.DESIRED, "boot": BOOT, "term": 1, "session": str(session), "remaining_ms": 0}
        said["measured_rev"] = held[n]
        more = {"status": "refused", "reason": "ending", "rev": rev}
        refused.append((poste, messages.Ack(**said, **more)))  # type: ignore[arg-type]
        locked.append((poste, messages.Ack(**said, status="done", rev=rev + 1)))  # type: ignore[arg-type]
    acks.applied(room.fleet, room.lease, refused)
    acks.applied(room.fleet, room.lease, locked)
    assert [_used_ms(room, session) for session in running] == [10 * MINUTE] * 3
    assert [room.row(session).restant_ms for session in running] == [0] * 3


@pytest.mark.parametrize("over", [sessions.suspend, sessions.terminate])
@pytest.mark.parametrize(("heard", "later_s"), [(0, 780), (1, 480), (2, -120), (3, 0)])
def test_what_was_granted_later_is_added_to_what_a_poste_measured_by_the_rev_of_its_measure(
    room: Room, over: Any, heard: int, later_s: int
) -> None:
    poste, session = room.postes[0], room.running(600)
    revs = [room.wanted(poste).rev]
    for seconds in (300, 600, -120):
        revs.append(sessions.add_time(room.fleet, room.actor, session, seconds))
    over(room.fleet, room.actor, session)
    told = {"session": str(session), "remaining_ms": LEFT_MS, "measured_rev": revs[heard]}
    _apply(room, poste, status="done", **told)
    assert room.row(session).restant_ms == LEFT_MS + later_s * 1000


def test_what_closing_time_took_is_taken_from_what_a_poste_measured_before(room: Room) -> None:
    poste, session = room.postes[0], room.running(3600)
    held = room.wanted(poste).rev
    sites.edit(room.fleet, SYSTEM, room.site_id, {"zone": "UTC", **_hours_until_soon(room)})
    taken_ms = -room.row(session).temps_ajoute_ms
    assert 39 * MINUTE < taken_ms < 42 * MINUTE
    sessions.terminate(room.fleet, room.actor, session)
    told = {"session": str(session), "remaining_ms": 60 * MINUTE - USED_MS, "measured_rev": held}
    _apply(room, poste, status="done", **told)
    assert _used_ms(room, session) == USED_MS


def _hours_until_soon(room: Room) -> dict[str, Any]:
    """Hours that end in 20 minutes, told but not in force."""
    room.closes_in(20 * 60)
    with room.fleet.database.read() as tx:
        row = tx.execute(select(tables.site).where(tables.site.c.id == room.site_id)).one()
    room.hours({}, zone="Indian/Reunion")
    return {"horaires": row.horaires, "exceptions": row.exceptions}


def test_an_ack_that_waited_is_as_old_as_it_waited(room: Room) -> None:
    poste, made = room.postes[0], room.new(600)
    room.type(made.code, poste)
    told = messages.Ack(
        id=acks.DESIRED, boot=BOOT, status="done", term=1, rev=room.wanted(poste).rev,
        session=str(made.session_id), remaining_ms=10 * MINUTE,
    )  # fmt: skip
    (wanted,) = acks.applied(room.fleet, room.lease, [(poste, told)], [time.monotonic() - USED_MS / 1000])
    assert wanted.session is not None
    with room.fleet.database.read() as tx:
        assert abs(wanted.session.remaining_ms(tx.now) - LEFT_MS) < 1_000


def test_a_resync_that_waited_is_as_old_as_it_waited(room: Room) -> None:
    poste, made = room.postes[0], room.new(600)
    room.type(made.code, poste)
    told = messages.Resync(
        id="r-1", nonce="n", boot=BOOT, term=1, rev=room.wanted(poste).rev, phase="active",
        session=str(made.session_id), remaining_ms=10 * MINUTE,
    )  # fmt: skip
    heard_at = time.monotonic() - USED_MS / 1000
    yes = kiosk.resync_all(room.fleet, room.lease, [(poste, told, None)], [heard_at])[poste]
    assert yes.wanted.session is not None
    assert abs(yes.wanted.session.remaining_ms(yes.now) - LEFT_MS) < 1_000


def test_a_poste_that_a_pause_never_reached_is_believed_and_told_the_sum(room: Room) -> None:
    """It ran through the pause: what it has left by its own count, and what was granted since."""
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.suspend(room.fleet, room.actor, session)
    sessions.add_time(room.fleet, room.actor, session, 60)
    rev = sessions.resume(room.fleet, room.actor, session)
    told = {"status": "done", "session": str(session), "remaining_ms": LEFT_MS, "measured_rev": held}
    for _ in range(2):
        _apply(room, poste, **told, rev=rev)
    after = room.wanted(poste)
    assert (after.rev, after.applied_rev) == (rev + 1, rev)
    assert after.session is not None
    assert after.session.confirm_by is None
    with room.fleet.database.read() as tx:
        assert abs(after.session.remaining_ms(tx.now) - LEFT_MS - MINUTE) < 1_000


def test_a_session_that_ran_out_after_the_desk_ended_it_has_nothing_left_though_another_began(
    room: Room,
) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    sessions.terminate(room.fleet, room.actor, session)
    sessions_left = room.row(session).restant_ms
    made = room.new(600)
    room.type(made.code, poste)
    room.done(poste, made.session_id, 10 * MINUTE)
    said = {"boot": BOOT, "session": str(session), "remaining_ms": 0, "rev": held}
    for n, reason in enumerate(("offline", "expired"), start=1):
        told = messages.Ended(n=n, reason=reason, **said)  # type: ignore[arg-type]
        assert room.row(session).restant_ms == sessions_left
        events.happened(room.fleet, room.lease, [(poste, told)])
    assert room.row(session).restant_ms == 0


def test_an_ack_of_the_run_before_a_pause_does_not_confirm_the_one_after_it(room: Room) -> None:
    poste, made = room.postes[0], room.new(600)
    room.type(made.code, poste)
    told = {"status": "done", "session": str(made.session_id), "remaining_ms": 10 * MINUTE}
    first = messages.Ack(id=acks.DESIRED, boot=BOOT, term=1, rev=room.wanted(poste).rev, **told)  # type: ignore[arg-type]
    sessions.suspend(room.fleet, room.actor, made.session_id)
    rev = sessions.resume(room.fleet, room.actor, made.session_id)
    acks.applied(room.fleet, room.lease, [(poste, first)], [time.monotonic() - USED_MS / 1000])
    assert room.row(made.session_id).confirmer_avant is not None
    _apply(room, poste, **told, rev=rev)
    after = room.wanted(poste).session
    assert after is not None
    assert after.confirm_by is None
    with room.fleet.database.read() as tx:
        assert abs(after.remaining_ms(tx.now) - 10 * MINUTE) < 1_000


def _resumed_late(room: Room) -> tuple[int, int, int, int]:
    """A pause and its end before the poste knew of the pause: poste, session, rev held, rev of the pause."""
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    pause = sessions.suspend(room.fleet, room.actor, session)
    sessions.resume(room.fleet, room.actor, session)
    return poste, session, held, pause


def _left_ms(room: Room, session: int, poste: int) -> int:
    here = room.wanted(poste).session
    assert here is not None
    assert here.id == session
    with room.fleet.database.read() as tx:
        return here.remaining_ms(tx.now)


@pytest.mark.parametrize("lost", [False, True])
def test_a_poste_that_paused_late_is_believed_though_the_session_was_resumed_meanwhile(
    room: Room, lost: bool
) -> None:
    """It acknowledges the pause; where that is lost, it says the same when it asks what to do."""
    poste, session, held, pause = _resumed_late(room)
    said: dict[str, Any] = {
        "session": str(session),
        "remaining_ms": LEFT_MS,
        "measured_rev": held,
        "rev": pause,
    }
    for _ in range(2):
        if lost:
            room.resync(poste, phase="suspended", **said)
        else:
            _apply(room, poste, status="done", **said)
    assert room.wanted(poste).rev == pause + 1
    assert _left_ms(room, session, poste) == LEFT_MS
    assert room.row(session).confirmer_avant is not None
    room.done(poste, session, LEFT_MS)
    assert room.row(session).confirmer_avant is None
    assert abs(_left_ms(room, session, poste) - LEFT_MS) < 1_000


@pytest.mark.parametrize("over", [sessions.suspend, sessions.terminate])
def test_a_late_measure_counts_what_was_granted_since_and_yields_to_a_later_one(
    room: Room, over: Any
) -> None:
    poste, session, held, pause = _resumed_late(room)
    sessions.add_time(room.fleet, room.actor, session, 60)
    said = {"status": "done", "session": str(session)}
    _apply(room, poste, **said, remaining_ms=LEFT_MS, measured_rev=held, rev=pause)
    assert _left_ms(room, session, poste) == LEFT_MS + MINUTE
    runs = room.wanted(poste).rev
    room.done(poste, session, LEFT_MS + MINUTE)
    over(room.fleet, room.actor, session)
    _apply(room, poste, **said, remaining_ms=LEFT_MS, measured_rev=runs)
    assert room.row(session).restant_ms == LEFT_MS


def test_a_poste_that_ended_late_is_believed_though_the_next_visitor_was_let_in(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    held = room.wanted(poste).rev
    rev = sessions.terminate(room.fleet, room.actor, session)
    made = room.new(600)
    room.type(made.code, poste)
    told = {"status": "done", "session": str(session), "remaining_ms": LEFT_MS, "measured_rev": held}
    _apply(room, poste, **told, rev=rev)
    assert _used_ms(room, session) == USED_MS
    assert room.row(made.session_id).confirmer_avant is not None


def test_a_machine_that_was_unlocked_before_a_pause_does_not_confirm_the_run_after_it(room: Room) -> None:
    """It asked what to do before it knew of the pause, and may have paused since."""
    poste, session, held, _ = _resumed_late(room)
    told: dict[str, Any] = {"session": str(session), "remaining_ms": LEFT_MS, "phase": "active"}
    room.resync(poste, rev=held, **told)
    assert room.row(session).confirmer_avant is not None
    room.resync(poste, **told)
    assert room.row(session).confirmer_avant is None


def test_who_does_not_say_under_which_rev_it_measured_knew_what_it_had_acknowledged(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    sessions.add_time(room.fleet, room.actor, session, 300)
    sessions.terminate(room.fleet, room.actor, session)
    _apply(room, poste, status="done", session=str(session), remaining_ms=LEFT_MS)
    assert _used_ms(room, session) == USED_MS


def test_an_end_that_names_no_rev_loses_no_time_that_the_poste_was_not_told_of(room: Room) -> None:
    poste, session = room.postes[0], room.running(600)
    sessions.add_time(room.fleet, room.actor, session, 300)
    asked = messages.Ending(id="e-2", nonce="n", boot=BOOT, session=str(session), remaining_ms=LEFT_MS)
    kiosk.ending(room.fleet, room.lease, poste, asked)
    assert _used_ms(room, session) == USED_MS
