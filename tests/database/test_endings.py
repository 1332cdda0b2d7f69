"""Deadlines that have come: many at once, and what has moved is left alone."""

from datetime import UTC, datetime, timedelta

from fleet.database import audit
from fleet.usecases import endings, sessions
from tests.support.rooms import Room, make_room


def _end(room: Room, *due: int) -> endings.Ended:
    return endings.end_due(room.fleet, room.lease, due)


def test_a_session_ends_with_its_grace_and_not_before(room: Room) -> None:
    running, poste = room.running(), room.postes[0]
    room.pass_time(running, minutes=60, seconds=58)
    early = _end(room, running)
    assert early.told == []
    assert [one.session_id for one in early.later] == [running]
    room.pass_time(running, seconds=2)
    (told,) = _end(room, running).told
    assert (told.poste_id, told.session, told.reason) == (poste, None, "duree_ecoulee")
    assert told.rev == room.wanted(poste).rev
    row = room.row(running)
    assert (row.statut, row.motif_fin, row.restant_ms) == ("expiree", "duree_ecoulee", 0)
    (entry,) = room.log("expiration")
    assert (entry.session_id, entry.poste_id, entry.metadata) == (running, poste, {"motif": "duree_ecoulee"})


def test_a_session_ends_once_however_often_its_deadline_is_told(room: Room) -> None:
    running = room.running()
    room.pass_time(running, minutes=62)
    _end(room, running, running)
    rev = room.wanted(room.postes[0]).rev
    assert _end(room, running, 999_999) == endings.Ended([], [])
    assert room.wanted(room.postes[0]).rev == rev
    assert len(room.log("expiration")) == 1


def test_in_one_batch_some_are_due_and_some_have_moved(room: Room) -> None:
    due, moved, paused = (room.running(poste=poste) for poste in room.postes)
    for session in (due, moved, paused):
        room.pass_time(session, minutes=40)
    sessions.add_time(room.fleet, room.actor, moved, 1800)
    sessions.suspend(room.fleet, room.actor, paused)
    for session in (due, moved, paused):
        room.pass_time(session, minutes=22)
    ended = _end(room, due, moved, paused)
    assert [one.poste_id for one in ended.told] == [room.postes[0]]
    assert {one.session_id for one in ended.later} == {moved, paused}
    assert [room.row(one).statut for one in (due, moved, paused)] == ["expiree", "active", "suspendue"]


def test_a_batch_numbers_and_links_its_entries_without_a_gap(room: Room) -> None:
    people = [room.person(), None, room.person()]
    due = [room.running(poste=poste, person=one) for poste, one in zip(room.postes, people, strict=True)]
    for session in due:
        room.pass_time(session, minutes=62)
    _end(room, *due)
    with room.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []
    numbers = [entry.numero for entry in room.log()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [entry.session_id for entry in room.log("expiration")] == due


def test_a_pause_that_lasts_too_long_ends_the_session(room: Room) -> None:
    running = room.running()
    sessions.suspend(room.fleet, room.actor, running)
    room.pass_time(running, minutes=31)
    assert _end(room, running).told == []
    row = room.row(running)
    assert (row.statut, row.motif_fin) == ("terminee", "suspension_trop_longue")
    assert row.restant_ms > 0
    wanted = room.wanted(room.postes[0])
    assert (wanted.session, wanted.reason) == (None, "suspension_trop_longue")


def test_a_start_that_no_poste_confirms_is_paused_with_all_its_time(room: Room) -> None:
    made = room.new()
    room.type(made.code, room.postes[0])
    room.pass_time(made.session_id, seconds=11)
    _end(room, made.session_id)
    row = room.row(made.session_id)
    assert (row.statut, row.motif_fin, row.restant_ms) == ("suspendue", "demarrage_non_confirme", 3_600_000)


def test_with_the_broker_lost_no_start_is_held_against_its_poste(room: Room) -> None:
    made = room.new()
    room.type(made.code, room.postes[0])
    room.pass_time(made.session_id, seconds=11)
    ended = endings.end_due(room.fleet, room.lease, [made.session_id], confirmations=False)
    assert [one.session_id for one in ended.later] == [made.session_id]
    assert room.row(made.session_id).statut == "active"
    endings.wait_for_confirmations(room.fleet, room.lease)
    assert room.row(made.session_id).confirmer_avant > datetime.now(UTC) + timedelta(seconds=9)


def test_one_session_with_nothing_left_does_not_hold_up_the_others(room: Room) -> None:
    empty, due = room.running(poste=room.postes[0]), room.running(poste=room.postes[1])
    room.pass_time(empty, minutes=59)
    sessions.suspend(room.fleet, room.actor, empty)
    sessions.resume(room.fleet, room.actor, empty)
    left_s = room.row(empty).restant_ms // 1000
    sessions.add_time(room.fleet, room.actor, empty, -left_s)
    room.pass_time(empty, minutes=1)
    room.pass_time(due, minutes=62)
    _end(room, empty, due)
    assert room.row(due).statut == "expiree"
    assert room.row(empty).statut in ("expiree", "suspendue")


def test_codes_that_were_not_used_in_time_die_and_are_wiped(room: Room) -> None:
    old, fresh = room.new(), room.new()
    assert endings.next_code_expiry(room.fleet, room.site_id) == room.row(old.session_id).code_expire_a
    room.pass_time(old.session_id, hours=25)
    assert endings.expire_codes(room.fleet, room.lease) == 1
    row = room.row(old.session_id)
    assert (row.statut, row.motif_fin, row.code_scelle) == ("expiree", "code_non_utilise", None)
    assert row.restant_ms == row.duree_initiale_ms
    assert room.row(fresh.session_id).statut == "en_attente"
    assert endings.next_code_expiry(room.fleet, room.site_id) == room.row(fresh.session_id).code_expire_a


def test_a_controller_that_begins_arms_every_deadline_of_its_site(room: Room) -> None:
    confirmed, unconfirmed = room.running(), room.new()
    room.type(unconfirmed.code, room.postes[1])
    paused = room.running(poste=room.postes[2])
    sessions.suspend(room.fleet, room.actor, paused)
    make_room(room.fleet.database).running()
    armed = {one.session_id: one.due_at for one in endings.armed(room.fleet, room.site_id)}
    assert armed == {
        confirmed: room.row(confirmed).fin_prevue + timedelta(seconds=60),
        unconfirmed.session_id: room.row(unconfirmed.session_id).confirmer_avant,
        paused: room.row(paused).suspendue_jusqu_a,
    }


def test_a_step_of_the_clock_moves_every_deadline_with_it(room: Room) -> None:
    running = room.running()
    before, version = room.row(running).fin_prevue, room.row(running).version
    assert endings.shift(room.fleet, room.lease, timedelta(hours=1)) == 1
    assert room.row(running).fin_prevue - before == timedelta(hours=1)
    assert room.row(running).confirmer_avant is None
    assert room.row(running).version == version + 1
    assert len(room.log("erreur")) == 1
