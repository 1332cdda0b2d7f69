"""A visitor asks for more time: the desk sees it, answers it, or it dies."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.domain.actor import LECTEUR, SYSTEM, Actor
from fleet.usecases import extensions, kiosk, session_views, sessions
from protocol import messages
from tests.support.rooms import BOOT, Room

table = tables.extension


@pytest.fixture
def asked(room: Room) -> int:
    """A running session whose visitor has asked for 15 minutes."""
    running = room.running()
    _ask(room, running, "e1")
    return running


def _ask(room: Room, running: int, request: str) -> None:
    said = messages.Extend(id=request, nonce=f"nonce-of-{request}", boot=BOOT, session=str(running))
    kiosk.extend(room.fleet, room.lease, room.postes[0], said)


def _shown(room: Room, running: int) -> session_views.DemandeView | None:
    return session_views.one(room.fleet, SYSTEM, running).demande_temps


def _statuts(room: Room) -> list[str]:
    with room.fleet.database.read() as tx:
        return list(tx.execute(select(table.c.statut).order_by(table.c.id)).scalars())


def test_the_desk_sees_what_is_asked_until_it_dies(room: Room, asked: int) -> None:
    seen = _shown(room, asked)
    assert seen is not None
    assert (seen.secondes, seen.expire_a - seen.demandee_a) == (900, extensions.LIFETIME)
    with room.tx() as tx:
        tx.execute(update(table).values(expire_a=tx.now - timedelta(seconds=1)))
    assert _shown(room, asked) is None
    assert room.refusal(extensions.refuse, room.fleet, room.actor, asked) == "deja_repondu"
    sessions.add_time(room.fleet, room.actor, asked, 60)
    assert _statuts(room) == ["ouverte"]


def test_time_that_the_desk_adds_is_the_yes(room: Room, asked: int) -> None:
    sessions.add_time(room.fleet, room.actor, asked, -60)
    assert _statuts(room) == ["ouverte"]
    sessions.add_time(room.fleet, room.actor, asked, 900)
    assert _statuts(room) == ["accordee"]
    assert _shown(room, asked) is None
    assert extensions.untold(room.fleet, room.site_id) == []


def test_a_no_waits_until_it_is_told_with_what_its_poste_waits_for(room: Room, asked: int) -> None:
    extensions.refuse(room.fleet, room.actor, asked)
    assert _statuts(room) == ["refusee"]
    assert len(room.log("refus_temps")) == 1
    slug = room.wanted(room.postes[0]).slug
    (no,) = extensions.untold(room.fleet, room.site_id)
    assert (no.slug, no.request_id, no.nonce) == (slug, "e1", "nonce-of-e1")
    assert extensions.untold(room.fleet, room.site_id) == [no]
    extensions.told(room.fleet, room.lease, [no.id])
    assert extensions.untold(room.fleet, room.site_id) == []
    assert room.refusal(extensions.refuse, room.fleet, room.actor, asked) == "deja_repondu"


def test_a_reader_refuses_nothing_and_a_flood_of_it_is_one_line(room: Room, asked: int) -> None:
    reader = Actor(operateur_id=7, role=LECTEUR)
    for _ in range(20):
        assert room.refusal(extensions.refuse, room.fleet, reader, asked) == "role_insuffisant"
    assert _statuts(room) == ["ouverte"]
    kept = select(tables.log).where(tables.log.c.action == "refus", tables.log.c.operateur_id == 7)
    with room.fleet.database.read() as tx:
        (line,) = tx.execute(kept).all()
    assert line.metadata == {"tentative": "refus_temps", "motif": "role_insuffisant"}
