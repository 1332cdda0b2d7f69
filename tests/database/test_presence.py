"""What is kept of who is there: the moment of a change, and the last sign of life."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from fleet.database import tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_views, presence
from fleet.usecases.presence import Beat, Change
from tests.support.rooms import BOOT, Room

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def _seen(room: Room) -> Row[Any]:
    wanted = select(tables.presence).where(tables.presence.c.poste_id == room.postes[0])
    with room.fleet.database.read() as tx:
        return tx.execute(wanted).one()


def _change(room: Room, heard: datetime | None, *, online: bool | None = False) -> None:
    presence.changed(room.fleet, room.lease, [Change(room.postes[0], online, BOOT, 1, heard)])


def test_a_poste_that_goes_keeps_its_statut_for_a_moment_however_old_its_last_heartbeat(room: Room) -> None:
    before = datetime.now(UTC)
    _change(room, before - timedelta(seconds=15))
    assert _seen(room).since >= before - timedelta(seconds=1)
    seen = poste_views.one(room.fleet, SYSTEM, room.postes[0])
    assert (seen.statut, seen.est_en_ligne) == ("disponible", False)
    room.presence(room.postes[0], since=before - timedelta(seconds=6))
    assert poste_views.one(room.fleet, SYSTEM, room.postes[0]).statut == "hors_ligne"


def test_what_was_not_a_change_does_not_begin_anew(room: Room) -> None:
    _change(room, None)
    since = _seen(room).since
    _change(room, None)
    assert _seen(room).since == since
    assert len(room.log("deconnexion_poste")) == 1


@pytest.mark.parametrize("online", [True, False, None])
def test_a_poste_that_this_controller_never_heard_keeps_its_last_sign_of_life(
    room: Room, online: bool | None
) -> None:
    room.presence(room.postes[0], derniere_connexion=LONG_AGO)
    _change(room, None, online=online)
    presence.beats(room.fleet, room.lease, [Beat(room.postes[0], None, "locked", 3, None, 0, 0.0)])
    row = _seen(room)
    assert (row.derniere_connexion, row.online, row.rev) == (LONG_AGO, online, 3)
    later = LONG_AGO + timedelta(days=1)
    presence.beats(room.fleet, room.lease, [Beat(room.postes[0], later, "locked", 3, None, 0, 0.0)])
    assert _seen(room).derniere_connexion == later
