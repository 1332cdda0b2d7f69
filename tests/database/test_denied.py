"""Who asks for what another site has is answered as if it were not there, and leaves a line in that site's trail."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Row, func, select

from fleet.database import audit, tables
from fleet.database.engine import Database
from fleet.domain.actor import ADMINISTRATEUR, LECTEUR, OPERATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import (
    codes,
    outages,
    poste_views,
    postes,
    session_views,
    sessions,
    sites,
    timelines,
    transfers,
    utilisateurs,
)
from fleet.usecases.outages import Outage
from tests.support.rooms import Room, make_room


@pytest.fixture
def other(database: Database) -> Room:
    """Another site of the deployment."""
    return make_room(database)


def operator(room: Room, role: str = OPERATEUR) -> Actor:
    """Somebody who works at this site alone."""
    return Actor(77, role, frozenset({room.site_id}), "192.0.2.77", is_operator=True)


@pytest.fixture
def asks(room: Room, other: Room) -> Callable[..., None]:
    """The other site's operator asks for something by the fleet of this one, and finds nothing."""

    def ask(work: Callable[..., Any], *args: Any) -> None:
        with pytest.raises(NotFound):
            work(room.fleet, operator(other), *args)

    return ask


def refusals(room: Room) -> list[Row[Any]]:
    return room.log("refus")


def of_nobody(room: Room) -> int:
    """How many refusals the deployment's own trail has."""
    with room.fleet.database.read() as tx:
        mine = (tables.log.c.site_id.is_(None), tables.log.c.action == "refus")
        return int(tx.execute(select(func.count()).select_from(tables.log).where(*mine)).scalar_one())


def test_what_is_tried_on_another_site_is_in_its_trail(
    room: Room, other: Room, asks: Callable[..., None]
) -> None:
    running = room.running()
    asks(sessions.add_time, running, 600)
    (line,) = refusals(room)
    assert (line.operateur_id, line.session_id, line.personal) == (77, running, {"ip": "192.0.2.77"})
    facts = ("tentative", "motif", "chose", "numero")
    assert [line.metadata[fact] for fact in facts] == ["ajout_temps", "hors_de_portee", "session", running]
    assert refusals(other) == []
    assert of_nobody(room) == 0
    with room.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []


def test_what_is_looked_at_is_too(room: Room, asks: Callable[..., None]) -> None:
    running = room.running()
    for work, number in (
        (session_views.one, running),
        (session_views.on_poste, room.postes[0]),
        (timelines.of_session, running),
        (poste_views.one, room.postes[0]),
        (sites.one, room.site_id),
    ):
        room.fleet._floods.clear()
        asks(work, number)
        assert refusals(room)[-1].metadata["tentative"] == "lecture"
    assert [(line.session_id, line.poste_id) for line in refusals(room)] == [
        (running, None),
        (None, room.postes[0]),
        (running, None),
        (None, room.postes[0]),
        (None, None),
    ]


def test_people_looked_at_by_the_rules_of_another_site_are_told_there(
    room: Room, asks: Callable[..., None]
) -> None:
    asks(utilisateurs.one, room.person(), room.site_id)
    assert len(refusals(room)) == 1


@pytest.mark.parametrize("work", [session_views.one, sessions.terminate])
def test_thousands_of_them_are_one_line_that_counts_the_others(
    room: Room, asks: Callable[..., None], monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]
) -> None:
    several = [room.new().session_id for _ in range(20)]
    for number in several:
        asks(work, number)
    assert [line.session_id for line in refusals(room)] == several[:1]
    monkeypatch.setattr("fleet.usecases.fleet.FLOOD_S", 0.0)
    asks(work, several[0])
    assert [line.metadata.get("autres_refus") for line in refusals(room)] == [None, 19]


def test_what_is_nowhere_leaves_no_line_and_no_trail_of_its_own(
    room: Room, other: Room, asks: Callable[..., None]
) -> None:
    for work in (session_views.one, sessions.terminate, poste_views.one, sites.one):
        asks(work, 999_999)
    assert refusals(room) == refusals(other) == []
    with room.fleet.database.read() as tx:
        chains = set(tx.execute(select(tables.chain_head.c.chain)).scalars())
    assert 999_999 not in chains
    assert of_nobody(room) == 0


def test_a_poste_of_another_site_is_not_taken_and_its_site_hears_of_it(room: Room, other: Room) -> None:
    far = operator(other)
    mine = other.running(poste=other.postes[0])
    waiting = other.new().session_id
    strange = room.postes[0]
    cut = Outage(other.site_id, seconds=60, poste_ids=[strange])
    for work in (
        lambda: transfers.transfer(room.fleet, far, mine, strange),
        lambda: sessions.edit(room.fleet, far, waiting, sessions.Edit(poste_id=strange)),
        lambda: sessions.create(room.fleet, far, sessions.NewSession(other.site_id, 600, strange)),
        lambda: outages.credit(room.fleet, far, cut),
    ):
        before = len(refusals(room))
        with pytest.raises(NotFound):
            work()
        assert [line.poste_id for line in refusals(room)[before:]] == [strange]
    assert other.row(waiting).poste_id is None


def test_who_sees_both_sites_has_made_a_mistake_and_nothing_is_told(room: Room, other: Room) -> None:
    both = Actor(78, OPERATEUR, frozenset({room.site_id, other.site_id}))
    mine = other.running(poste=other.postes[0])
    with pytest.raises(NotFound):
        transfers.transfer(room.fleet, both, mine, room.postes[0])
    assert refusals(room) == []


def test_a_program_of_one_poste_that_asks_for_another_is_told_by_its_own(room: Room) -> None:
    program = Actor(role=LECTEUR, sites=frozenset({room.site_id}), poste_id=room.postes[0])
    with pytest.raises(NotFound):
        codes.validate(room.fleet, program, room.postes[1], "ABC234")
    (line,) = refusals(room)
    assert (line.poste_id, line.metadata["par_poste"]) == (room.postes[1], room.postes[0])


def test_a_code_asked_of_another_address_is_told_at_the_site_of_the_poste(room: Room) -> None:
    with pytest.raises(Refused):
        codes.validate(room.fleet, room.actor, room.postes[0], "ABC234")
    (line,) = refusals(room)
    assert (line.metadata["motif"], line.poste_id) == ("adresse_refusee", room.postes[0])


def test_a_role_that_is_too_low_is_told_at_the_site_that_it_was_about(room: Room) -> None:
    reader = operator(room, LECTEUR)
    running = room.running()
    assert room.refusal(sessions.terminate, room.fleet, reader, running) == "role_insuffisant"
    assert room.refusal(postes.set_statut, room.fleet, reader, room.postes[1], "maintenance")
    new = sessions.NewSession(room.site_id, 600)
    assert room.refusal(sessions.create, room.fleet, reader, new)
    told = [(line.operateur_id, line.session_id, line.poste_id) for line in refusals(room)]
    assert told == [(77, running, None), (77, None, room.postes[1]), (77, None, None)]
    assert of_nobody(room) == 0


def test_a_role_that_is_too_low_for_many_things_is_one_line(room: Room) -> None:
    reader = operator(room, LECTEUR)
    for _ in range(20):
        room.refusal(sessions.terminate, room.fleet, reader, room.new().session_id)
    assert len(refusals(room)) == 1


def test_each_site_has_its_own_line_of_what_one_person_tried(room: Room, other: Room) -> None:
    both = Actor(78, LECTEUR, frozenset({room.site_id, other.site_id}))
    for where in (room, other):
        room.refusal(sessions.terminate, room.fleet, both, where.running())
        with pytest.raises(NotFound):
            session_views.one(
                room.fleet, Actor(79, LECTEUR, frozenset()), where.running(poste=where.postes[1])
            )
        assert [line.operateur_id for line in refusals(where)] == [78, 79]


def test_a_role_that_is_too_low_for_what_no_site_has_is_told_by_the_deployment(room: Room) -> None:
    reader = operator(room, LECTEUR)
    room.refusal(sessions.terminate, room.fleet, reader, 999_999)
    room.refusal(utilisateurs.create, room.fleet, reader, {"nom": "Payet", "prenom": "Marie"})
    assert (refusals(room), of_nobody(room)) == ([], 2)


def test_a_role_that_is_too_low_elsewhere_is_told_elsewhere(room: Room, other: Room) -> None:
    reader = operator(other, LECTEUR)
    assert room.refusal(sessions.terminate, room.fleet, reader, room.running()) == "role_insuffisant"
    assert (len(refusals(room)), refusals(other), of_nobody(room)) == (1, [], 0)


def test_an_administrator_is_nowhere_a_stranger(room: Room) -> None:
    everywhere = Actor(80, ADMINISTRATEUR)
    session_views.one(room.fleet, everywhere, room.running())
    assert refusals(room) == []
