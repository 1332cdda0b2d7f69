"""A long list is found by its ids: it says how many there are, and is in order, whatever is asked of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from fleet.database.listing import MOST, Page
from fleet.database.tables import session
from fleet.usecases import session_views, utilisateurs
from fleet.usecases.session_views import SessionFilter, SessionView
from tests.support.rooms import Room

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def _ended(room: Room, count: int, **fields: Any) -> None:
    rows = [
        {
            "site_id": room.site_id,
            "statut": ("expiree", "terminee")[number % 2],
            "duree_initiale_ms": 60_000,
            "created_at": BEGIN + timedelta(minutes=7919 * number % 10_007),
            "updated_at": BEGIN,
            **fields,
        }
        for number in range(count)
    ]
    with room.tx() as tx:
        tx.execute(insert(session), rows)


def _all(room: Room, which: SessionFilter, sort: str, limit: int = 4) -> list[SessionView]:
    """Page after page."""
    found: list[SessionView] = []
    while True:
        page = session_views.search(room.fleet, room.actor, which, Page(limit, len(found), sort))
        found += page.resultats
        if len(found) >= page.total:
            assert len(found) == page.total
            return found


def test_a_list_that_nothing_is_asked_of_says_how_many_there_are(room: Room) -> None:
    for name in ("Payet", "Hoarau", "Grondin"):
        room.person(nom=name)
    _ended(room, 5)
    assert utilisateurs.search(room.fleet, room.actor, Page()).total == 3
    assert session_views.search(room.fleet, room.actor, SessionFilter(), Page(2)).total == 5
    ended = SessionFilter(statuts=["expiree", "terminee", "expiree"])
    assert session_views.search(room.fleet, room.actor, ended, Page(2)).total == 5


@pytest.mark.parametrize("sort", ["poste", "-poste"])
def test_sessions_are_in_the_order_of_their_postes_page_after_page(room: Room, sort: str) -> None:
    for poste_id in (*room.postes, None):
        _ended(room, 3, poste_id=poste_id)
    found = [(one.poste, one.id) for one in _all(room, SessionFilter(), sort) if one.poste]
    assert len(found) == 3 * len(room.postes)
    assert found == sorted(found, reverse=sort == "-poste")
    assert len(_all(room, SessionFilter(), sort)) == len(found) + 3


@pytest.mark.parametrize("sort", ["-created_at", "id", "poste", "-poste"])
def test_a_search_finds_each_session_once_in_order(room: Room, sort: str) -> None:
    person = room.person(recherche="dupont")
    _ended(room, 6, utilisateur_id=person, poste_id=room.postes[1])
    _ended(room, 6, utilisateur_id=person)
    _ended(room, 6, poste_id=room.postes[0])
    _ended(room, 2)
    found = _all(room, SessionFilter(search="p"), sort)
    assert len({one.id for one in found}) == len(found) == 18
    every = [one.id for one in _all(room, SessionFilter(), sort, 200)]
    assert [one.id for one in found] == [one for one in every if one in {known.id for known in found}]


def test_a_search_that_finds_too_many_says_so_and_shows_the_first_of_all(room: Room) -> None:
    person = room.person(recherche="payet")
    _ended(room, MOST, utilisateur_id=person)
    _ended(room, 3)
    which = SessionFilter(search="payet")
    whole = session_views.search(room.fleet, room.actor, which, Page(3))
    assert (whole.total, whole.total_borne) == (MOST, False)
    _ended(room, 1, utilisateur_id=person)
    more = session_views.search(room.fleet, room.actor, which, Page(3, 2))
    assert (more.total, more.total_borne) == (MOST, True)
    newest = [one.id for one in session_views.search(room.fleet, room.actor, which, Page(5)).resultats]
    assert [one.id for one in more.resultats] == newest[2:]
    shown = [
        one.created_at for one in session_views.search(room.fleet, room.actor, which, Page(200)).resultats
    ]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == max(BEGIN + timedelta(minutes=7919 * number % 10_007) for number in range(MOST))
