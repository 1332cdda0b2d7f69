"""Who is forgotten, or takes the consent back, holds no poste any more; who is at one is not forgotten meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from fleet.database import audit, tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import (
    bookings,
    calls,
    personal_data,
    poste_views,
    queue,
    sessions,
    ticket_views,
    utilisateurs,
)
from fleet.usecases.bookings import NewBooking
from fleet.usecases.queue import NewTicket
from tests.support.rooms import Room

WAYS: dict[str, Callable[..., Any]] = {
    "effacement": personal_data.erase,
    "consentement_retire": utilisateurs.revoke_consent,
}


@pytest.fixture(params=list(WAYS))
def reason(request: pytest.FixtureRequest) -> str:
    """Each way in which somebody gives back what they hold."""
    return str(request.param)


def _go(room: Room, reason: str, person: int) -> None:
    WAYS[reason](room.fleet, SYSTEM, person)


def _statuts(room: Room) -> list[str]:
    return [poste_views.one(room.fleet, SYSTEM, poste).statut for poste in room.postes]


def _booked(room: Room, person: int, poste: int) -> int:
    start = datetime.now(UTC) + timedelta(minutes=5)
    end = start + timedelta(hours=1)
    return bookings.create(room.fleet, room.actor, NewBooking(poste, start, end, person, notes="Marie"))


def test_what_somebody_holds_is_given_back_and_no_poste_stays_reserved(room: Room, reason: str) -> None:
    room.at_noon()
    for poste in room.postes:
        room.presence(poste, phase="locked")
    person = room.person()
    waiting = room.new(600, poste=room.postes[0], person=person)
    booking = _booked(room, person, room.postes[1])
    ticket = queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, person, "Marie"))
    calls.settle(room.fleet, room.lease)
    assert _statuts(room) == ["reserve"] * 3
    _go(room, reason, person)
    assert _statuts(room) == ["disponible"] * 3
    ended = room.row(waiting.session_id)
    assert (ended.statut, ended.motif_fin, ended.code_scelle) == ("terminee", reason, None)
    assert bookings.one(room.fleet, SYSTEM, booking).statut == "annulee"
    left = ticket_views.one(room.fleet, SYSTEM, ticket)
    assert (left.statut, left.poste) == ("abandonnee", None)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.queue.c.prenom)).scalars().all() == [""]
    assert room.refusal(room.type, waiting.code, room.postes[0]) == "code_deja_utilise"


def test_each_thing_given_back_has_its_line_with_the_reason(room: Room, reason: str) -> None:
    person = room.person()
    waiting = room.new(600, person=person)
    booking = _booked(room, person, room.postes[1])
    ticket = queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, person))
    _go(room, reason, person)
    told = {line.action: line for line in room.log() if line.metadata.get("motif") == reason}
    assert set(told) == {"fermeture", "annulation_reservation", "file_attente"}
    assert {line.utilisateur_id for line in told.values()} == {person}
    assert told["fermeture"].session_id == waiting.session_id
    assert told["annulation_reservation"].metadata["reservation"] == booking
    assert told["file_attente"].metadata["ticket"] == ticket
    with room.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []


def test_what_others_hold_stays_theirs(room: Room, reason: str) -> None:
    person, other = room.person(), room.person()
    waiting = room.new(600, person=other)
    booking = _booked(room, other, room.postes[1])
    ticket = queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, other))
    _go(room, reason, person)
    assert room.row(waiting.session_id).statut == "en_attente"
    assert bookings.one(room.fleet, SYSTEM, booking).statut == "prevue"
    assert ticket_views.one(room.fleet, SYSTEM, ticket).statut == "en_file"


@pytest.mark.parametrize("paused", [False, True])
def test_who_is_at_a_poste_is_not_forgotten_and_keeps_all(room: Room, paused: bool) -> None:
    person = room.person()
    running = room.running(600, person=person)
    if paused:
        sessions.suspend(room.fleet, room.actor, running)
    booking = _booked(room, person, room.postes[1])
    assert room.refusal(personal_data.erase, room.fleet, SYSTEM, person) == "effacement_session_ouverte"
    assert room.row(running).utilisateur_id == person
    assert bookings.one(room.fleet, SYSTEM, booking).statut == "prevue"
    sessions.terminate(room.fleet, room.actor, running)
    personal_data.erase(room.fleet, SYSTEM, person)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.utilisateur.c.id)).all() == []


def test_what_forgets_somebody_is_another_record_than_before(room: Room) -> None:
    person = room.person()
    bookings.cancel(room.fleet, room.actor, _booked(room, person, room.postes[1]))
    queue.give_up(
        room.fleet, room.actor, queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, person))
    )
    before = _stamps(room)
    personal_data.erase(room.fleet, SYSTEM, person)
    for (version, at), (earlier, then) in zip(_stamps(room), before, strict=True):
        assert version == earlier + 1
        assert at > then


def _stamps(room: Room) -> list[tuple[int, datetime]]:
    """Of the booking and the ticket."""
    wanted = [select(table.c.version, table.c.updated_at) for table in (tables.booking, tables.queue)]
    with room.fleet.database.read() as tx:
        return [tuple(tx.execute(one).one()) for one in wanted]
