"""Waiting for the next free poste: in order, held for a while, and never two at one poste."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.database.listing import Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import calls, poste_views, queue, sessions, ticket_views
from fleet.usecases.queue import NewTicket
from fleet.usecases.ticket_views import TicketView
from tests.support.rooms import Room


@pytest.fixture
def full(room: Room) -> list[int]:
    """Sessions of 10, 20 and 30 minutes at the three postes."""
    room.at_noon()
    for poste in room.postes:
        room.presence(poste, phase="active")
    return [room.running(600 * (n + 1), poste=poste) for n, poste in enumerate(room.postes)]


def _join(room: Room, prenom: str = "", person: int | None = None, seconds: int = 1800) -> int:
    return queue.join(room.fleet, room.actor, NewTicket(room.site_id, seconds, person, prenom))


def _settle(room: Room) -> calls.Due:
    return calls.settle(room.fleet, room.lease)


def _tickets(room: Room) -> list[TicketView]:
    return ticket_views.search(room.fleet, SYSTEM, Page(), site_id=room.site_id).resultats


def _statut(room: Room, ticket: int) -> str:
    return ticket_views.one(room.fleet, SYSTEM, ticket).statut


def _freed(room: Room, session: int) -> None:
    sessions.terminate(room.fleet, room.actor, session)
    room.presence(room.row(session).poste_id, phase="locked")


def test_a_poste_is_free_once_it_says_so(room: Room, full: list[int]) -> None:
    """In the books it is free as soon as its session ends; it is wiped a moment later."""
    ticket = _join(room)
    sessions.terminate(room.fleet, room.actor, full[0])
    _settle(room)
    assert _statut(room, ticket) == "en_file"
    room.presence(room.postes[0], phase="locked")
    _settle(room)
    assert _statut(room, ticket) == "appelee"


def test_nobody_is_called_while_no_poste_is_free(room: Room, full: list[int]) -> None:
    first, second = _join(room, "Léa"), _join(room)
    due = _settle(room)
    assert due.somebody_waits
    seen = _tickets(room)
    assert [(one.id, one.numero, one.position) for one in seen] == [(first, 1, 1), (second, 2, 2)]
    assert seen[0].attente_estimee is not None
    assert 600 <= seen[0].attente_estimee <= 670
    assert (seen[1].attente_estimee or 0) > seen[0].attente_estimee + 500


def test_a_freed_poste_is_held_for_the_first_and_for_nobody_else(room: Room, full: list[int]) -> None:
    first, second = _join(room, "Léa"), _join(room)
    _settle(room)
    _freed(room, full[1])
    due = _settle(room)
    called = ticket_views.one(room.fleet, SYSTEM, first)
    assert (called.statut, called.poste) == ("appelee", room.wanted(room.postes[1]).slug)
    assert due.at == called.expire_a
    assert _statut(room, second) == "en_file"
    assert poste_views.one(room.fleet, SYSTEM, room.postes[1]).statut == "reserve"
    stranger = room.new()
    assert room.refusal(room.type, stranger.code, room.postes[1]) == "poste_deja_reserve"
    made = queue.serve(room.fleet, room.actor, first)
    room.type(made.code, room.postes[1])
    assert room.row(made.session_id).duree_initiale_ms == 1_800_000
    served = ticket_views.one(room.fleet, SYSTEM, first)
    assert (served.statut, served.session, served.prenom) == ("servie", made.session_id, "")
    assert room.refusal(queue.serve, room.fleet, room.actor, first) == "attente_passee"
    assert room.refusal(queue.serve, room.fleet, room.actor, second) == "attente_pas_appelee"


def test_who_does_not_come_loses_the_place_to_the_next(room: Room, full: list[int]) -> None:
    first, second = _join(room, "Léa"), _join(room)
    _freed(room, full[0])
    _settle(room)
    with room.tx() as tx:
        mine = tables.queue.c.id == first
        tx.execute(update(tables.queue).where(mine).values(expire_a=tx.now - timedelta(seconds=1)))
    _settle(room)
    assert (_statut(room, first), _statut(room, second)) == ("absente", "appelee")
    deeds = [line.metadata["fait"] for line in room.log("file_attente")]
    assert deeds == ["arrivee", "arrivee", "appel", "absence", "appel"]


def test_a_poste_that_is_lost_meanwhile_does_not_cost_the_place(room: Room, full: list[int]) -> None:
    first, second = _join(room), _join(room)
    _freed(room, full[0])
    _settle(room)
    assert _statut(room, first) == "appelee"
    room.presence(room.postes[0], phase="cleaning")
    _settle(room)
    assert (_statut(room, first), _statut(room, second)) == ("en_file", "en_file")
    room.presence(room.postes[0], phase="locked")
    _settle(room)
    assert (_statut(room, first), _statut(room, second)) == ("appelee", "en_file")


def test_a_called_poste_that_goes_is_looked_at_again_when_it_counts_as_lost(
    room: Room, full: list[int]
) -> None:
    first = _join(room)
    _freed(room, full[0])
    _settle(room)
    with room.tx() as tx:
        gone = tx.now
    room.presence(room.postes[0], online=False, since=gone)
    assert _settle(room).at == gone + poste_views.DEBOUNCE
    assert _statut(room, first) == "appelee"
    room.presence(room.postes[0], since=gone - poste_views.DEBOUNCE)
    _settle(room)
    assert _statut(room, first) == "en_file"


def test_a_ticket_is_given_up_or_lets_the_next_go_first(room: Room, full: list[int]) -> None:
    first, second, third = _join(room), _join(room), _join(room)
    queue.skip(room.fleet, room.actor, first)
    assert [one.id for one in _tickets(room)] == [second, first, third]
    queue.give_up(room.fleet, room.actor, second)
    assert [one.id for one in _tickets(room)] == [first, third]
    assert room.refusal(queue.skip, room.fleet, room.actor, second) == "attente_passee"
    _freed(room, full[0])
    _settle(room)
    queue.skip(room.fleet, room.actor, first)
    _settle(room)
    assert (_statut(room, third), _statut(room, first)) == ("appelee", "en_file")


def test_one_person_waits_once_and_only_with_consent(room: Room, full: list[int]) -> None:
    person = room.person()
    _join(room, person=person)
    assert room.refusal(_join, room, person=person) == "deja_en_file"
    assert room.refusal(_join, room, person=room.person(consentement_rgpd=False)) == "consentement_absent"
    assert room.refusal(_join, room, seconds=1) == "duree_invalide"


def test_requests_for_time_die_by_themselves(room: Room, full: list[int]) -> None:
    with room.tx() as tx:
        values = {
            "site_id": room.site_id, "session_id": full[0], "secondes": 900, "request_id": "q", "nonce": "n",
            "expire_a": tx.now - timedelta(seconds=1), "created_at": tx.now,
        }  # fmt: skip
        tx.execute(tables.extension.insert().values(**values))
    assert _settle(room).at is None
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.extension.c.statut)).scalar_one() == "perimee"


def test_who_still_waits_when_the_day_ends_is_forgotten(room: Room, full: list[int]) -> None:
    yesterday, today = _join(room, "Léa"), _join(room, "Tom")
    with room.tx() as tx:
        mine = tables.queue.c.id == yesterday
        tx.execute(update(tables.queue).where(mine).values(jour=date(2026, 1, 1)))
    _settle(room)
    seen = ticket_views.one(room.fleet, SYSTEM, yesterday)
    assert (seen.statut, seen.prenom, _statut(room, today)) == ("abandonnee", "", "en_file")
