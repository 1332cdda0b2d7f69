"""A poste that is promised: two promises never overlap, and sessions respect them."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import alerts, tables
from fleet.domain.actor import SYSTEM
from fleet.domain.errors import Refused
from fleet.jobs.health import Health
from fleet.jobs.settings import JobSettings
from fleet.usecases import bookings, calls, poste_views, sessions, sites, transfers
from fleet.usecases.bookings import NewBooking
from tests.support.rooms import Room


def _now() -> datetime:
    return datetime.now(UTC)


def _book(room: Room, minutes: int, long: int = 60, *, poste: int = 0, person: int | None = None) -> int:
    start = _now() + timedelta(minutes=minutes)
    new = NewBooking(
        room.postes[poste], start, start + timedelta(minutes=long), person, "" if person else "Léa"
    )
    return bookings.create(room.fleet, room.actor, new)


def _begun(room: Room, booking: int, minutes_ago: int) -> None:
    with room.tx() as tx:
        mine = tables.booking.c.id == booking
        tx.execute(update(tables.booking).where(mine).values(debut=tx.now - timedelta(minutes=minutes_ago)))


def _statut(room: Room, booking: int) -> str:
    return bookings.one(room.fleet, SYSTEM, booking).statut


def test_two_promises_of_a_poste_never_overlap(room: Room) -> None:
    first = _book(room, 60)
    for minutes, long in ((30, 45), (70, 10), (59, 120), (60, 60)):
        assert room.refusal(_book, room, minutes, long) == "reservation_chevauche"
    _book(room, 121)
    _book(room, 60, poste=1)
    bookings.cancel(room.fleet, room.actor, first)
    _book(room, 60)
    assert room.refusal(bookings.cancel, room.fleet, room.actor, first) == "reservation_passee"


def test_of_many_at_once_one_has_the_poste(room: Room) -> None:
    start = _now() + timedelta(hours=2)
    outcomes: list[str] = []
    together = threading.Barrier(8)

    def book() -> None:
        together.wait(10)
        new = NewBooking(room.postes[0], start, start + timedelta(hours=1), nom="Léa")
        try:
            bookings.create(room.fleet, room.actor, new)
            outcomes.append("made")
        except Refused as refusal:
            outcomes.append(refusal.reason)

    threads = [threading.Thread(target=book) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["made"] + ["reservation_chevauche"] * 7


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_the_schema_itself_refuses_an_overlap(room: Room) -> None:
    _book(room, 60)
    start = _now() + timedelta(minutes=90)
    row = {
        "site_id": room.site_id, "poste_id": room.postes[0], "debut": start, "fin": start + timedelta(hours=1),
        "created_at": start, "updated_at": start,
    }  # fmt: skip
    with pytest.raises(IntegrityError, match="ex_reservation_poste"), room.tx() as tx:
        tx.execute(insert(tables.booking).values(**row))


def test_a_session_that_would_run_into_a_promise_is_cut_there(room: Room) -> None:
    made = room.new(3600)
    _book(room, 30)
    room.type(made.code, room.postes[0])
    row = room.row(made.session_id)
    assert -3600_000 + 1_800_000 - 5_000 <= row.temps_ajoute_ms <= -1_795_000
    assert (
        room.refusal(sessions.add_time, room.fleet, room.actor, made.session_id, 900) == "apres_reservation"
    )
    sessions.add_time(room.fleet, room.actor, made.session_id, -60)


def test_just_before_and_during_a_promise_strangers_are_refused_with_the_reason(room: Room) -> None:
    booking = _book(room, 0)
    made = room.new(600)
    with room.tx() as tx:
        soon = tx.now + timedelta(seconds=40)
        tx.execute(update(tables.booking).values(debut=soon))
    assert room.refusal(room.type, made.code, room.postes[0]) == "reserve_bientot"
    assert poste_views.one(room.fleet, SYSTEM, room.postes[0]).statut == "reserve"
    _begun(room, booking, 5)
    other = room.new(600)
    assert room.refusal(room.type, other.code, room.postes[0]) == "poste_deja_reserve"
    room.type(other.code, room.postes[1])


def test_the_one_who_was_promised_the_poste_has_it_with_all_the_time(room: Room) -> None:
    person = room.person()
    booking = _book(room, 5, person=person)
    made = room.new(3600, person=person)
    room.type(made.code, room.postes[0])
    assert room.row(made.session_id).temps_ajoute_ms == 0
    assert _statut(room, booking) == "honoree"


def test_a_name_is_served_with_a_code_and_forgotten(room: Room) -> None:
    booking = _book(room, 5, 30)
    made = bookings.serve(room.fleet, room.actor, booking)
    seen = bookings.one(room.fleet, SYSTEM, booking)
    assert (seen.statut, seen.session, seen.nom) == ("honoree", made.session_id, "")
    room.type(made.code, room.postes[0])
    assert room.row(made.session_id).duree_initiale_ms == 1_800_000
    assert room.refusal(bookings.serve, room.fleet, room.actor, booking) == "reservation_passee"
    early = _book(room, 120)
    assert room.refusal(bookings.serve, room.fleet, room.actor, early) == "reservation_trop_tot"
    assert _statut(room, early) == "prevue"


def test_who_does_not_come_holds_the_poste_for_a_quarter_of_an_hour(room: Room) -> None:
    booking = _book(room, 0)
    _begun(room, booking, 14)
    calls.settle(room.fleet, room.lease)
    assert _statut(room, booking) == "prevue"
    _begun(room, booking, 16)
    made = room.new(600)
    room.type(made.code, room.postes[0])
    calls.settle(room.fleet, room.lease)
    assert _statut(room, booking) == "absente"
    assert len(room.log("reservation_manquee")) == 1


def test_a_promise_when_the_site_is_closed_or_of_no_sense_is_refused(room: Room) -> None:
    for minutes, long in ((-60, 60), (60, 1), (60, 13 * 60), (60 * 24 * 91, 60)):
        assert room.refusal(_book, room, minutes, long) == "valeur_invalide"
    room.closes_in(5400)
    assert room.refusal(_book, room, 60, 60) == "reservation_ferme"
    room.hours({})
    assert room.refusal(_book, room, 60, person=room.person(consentement_rgpd=False)) == "consentement_absent"


def test_a_visitor_is_not_moved_to_a_poste_that_is_promised(room: Room) -> None:
    session = room.running()
    booking = _book(room, 0, poste=1)
    _begun(room, booking, 1)
    assert (
        room.refusal(transfers.transfer, room.fleet, room.actor, session, room.postes[1])
        == "poste_deja_reserve"
    )


def _closed_from(minutes: int) -> dict[str, list[list[str]]]:
    """A day that ends in so many minutes, in UTC, as an exception; and the one after it, on which nobody comes."""
    end = _now() + timedelta(minutes=minutes)
    days = ((end - timedelta(days=1)).date(), end.date(), (end + timedelta(days=1)).date())
    clock = f"{end:%H:%M}"
    last = [["00:00", clock]] if clock > "00:00" else []
    spans: tuple[list[list[str]], ...] = ([["00:00", "24:00"]], last, [])
    return {day.isoformat(): list(span) for day, span in zip(days, spans, strict=True)}


def _closed(room: Room, **fields: Any) -> list[int]:
    return [one.id for one in sites.edit(room.fleet, SYSTEM, room.site_id, fields)]


def _alerts(room: Room) -> list[Any]:
    with room.fleet.database.read() as tx:
        lasting = select(tables.alert).where(tables.alert.c.resolue_a.is_(None))
        return list(tx.execute(lasting.order_by(tables.alert.c.id)).all())


def _lines(room: Room) -> list[int]:
    action = tables.log.c.action == "reservation_hors_horaires"
    with room.fleet.database.read() as tx:
        rows = tx.execute(select(tables.log.c.metadata).where(action).order_by(tables.log.c.id))
        return [row.metadata["reservation"] for row in rows]


def test_bookings_that_new_hours_leave_outside_stay_and_are_told(room: Room) -> None:
    room.hours({})
    before, across, after = (_book(room, minutes) for minutes in (10, 100, 200))
    assert _closed(room, exceptions=_closed_from(120)) == [across, after]
    assert [_statut(room, one) for one in (before, across, after)] == ["prevue"] * 3
    seen = [bookings.one(room.fleet, SYSTEM, one).hors_horaires for one in (before, across, after)]
    assert seen == [False, True, True]
    assert _lines(room) == [across, after]
    (told,) = _alerts(room)
    assert (told.genre, told.details["nombre"], told.site_id) == (alerts.BOOKINGS, 2, room.site_id)
    assert _closed(room, nom="Autrement") == [across, after]
    assert _lines(room) == [across, after], "a line for what was outside before"


def test_the_alert_of_bookings_outside_the_hours_ends_with_the_last_of_them(room: Room) -> None:
    room.hours({})
    first, second = _book(room, 100), _book(room, 200)
    _closed(room, exceptions=_closed_from(90))
    bookings.cancel(room.fleet, room.actor, first)
    assert [one.details["nombre"] for one in _alerts(room)] == [1]
    bookings.cancel(room.fleet, room.actor, second)
    assert _alerts(room) == []


def test_hours_that_have_a_booking_again_end_its_alert_and_so_does_time(room: Room) -> None:
    room.hours({})
    booking = _book(room, 100)
    closed = _closed_from(90)
    _closed(room, exceptions=closed)
    assert _closed(room, exceptions={}) == []
    assert _alerts(room) == []
    assert bookings.one(room.fleet, SYSTEM, booking).hors_horaires is False
    _closed(room, exceptions=closed)
    with room.tx() as tx:
        past = {"debut": tx.now - timedelta(hours=2), "fin": tx.now - timedelta(hours=1)}
        tx.execute(update(tables.booking).values(**past))
    Health(JobSettings()).look(room.fleet.database)
    assert _alerts(room) == []
