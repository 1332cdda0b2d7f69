"""People act at both ends while these do not know of each other: what was granted is still used plus left."""

from typing import Any

from fleet.usecases import acks, kiosk, sessions
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


def test_an_ack_that_waited_is_as_old_as_it_waited(room: Room) -> None:
    poste, made = room.postes[0], room.new(600)
    room.type(made.code, poste)
    told = messages.Ack(
        id=acks.DESIRED, boot=BOOT, status="done", term=1, rev=room.wanted(poste).rev,
        session=str(made.session_id), remaining_ms=10 * MINUTE,
    )  # fmt: skip
    (wanted,) = acks.applied(room.fleet, room.lease, [(poste, told)], [USED_MS])
    assert wanted.session is not None
    with room.fleet.database.read() as tx:
        assert abs(wanted.session.remaining_ms(tx.now) - LEFT_MS) < 1_000
