"""A technician had a poste open without the server: the journal tells it, and the board does not call it free."""

from datetime import timedelta

from fleet.domain.actor import SYSTEM
from fleet.usecases import events, poste_views, presence
from fleet.usecases.presence import Beat, Change
from protocol.messages import Event, Trouble
from tests.support.rooms import BOOT, Room


def test_what_a_technician_did_offline_is_in_the_journal_once_with_its_reason(room: Room) -> None:
    told: list[Event] = [
        Trouble(n=1, boot=BOOT, age_ms=900_000, what="unlocked_by_hand", detail="600 s: serveur en panne"),
        Trouble(n=2, boot=BOOT, age_ms=300_000, what="locked_after_hand", detail="600 s: time_over"),
    ]
    for _ in range(2):
        events.happened(room.fleet, room.lease, [(room.postes[0], one) for one in told])
    opened, locked = room.log("deverrouillage_manuel")
    assert opened.metadata == {
        "geste": "ouverture", "precision": "600 s: serveur en panne", "il_y_a_ms": 900_000,
    }  # fmt: skip
    assert locked.metadata["geste"] == "verrouillage"
    assert opened.poste_id == room.postes[0]
    assert room.log("erreur") == []


def test_a_poste_that_a_technician_has_open_is_in_maintenance_for_the_desk(room: Room) -> None:
    poste_id = room.postes[0]
    with room.fleet.database.read() as tx:
        now = tx.now
    presence.changed(room.fleet, room.lease, [Change(poste_id, True, BOOT, 1, now)])
    for phase, statut in (("locked", "disponible"), ("maintenance", "maintenance"), ("locked", "disponible")):
        presence.phases(room.fleet, room.lease, [Beat(poste_id, now + timedelta(0), phase, 0, None, 0, 0.0)])
        seen = poste_views.one(room.fleet, SYSTEM, poste_id)
        assert (seen.statut, seen.est_disponible) == (statut, statut == "disponible")
        with room.fleet.database.read() as tx:
            assert (poste_id in poste_views.free(tx, room.lease.site_id)) is (phase == "locked")
