"""What a poste tells of idleness and of its own endings is in the trail, and the session keeps the reason."""

from fleet.usecases import events, kiosk
from protocol import messages
from tests.support.rooms import BOOT, Room


def test_a_session_that_ended_by_idleness_has_its_reason(room: Room) -> None:
    running = room.running()
    asked = messages.Ending(
        id="v", nonce="n", boot=BOOT, session=str(running), remaining_ms=60_000, why="idle"
    )
    kiosk.ending(room.fleet, room.lease, room.postes[0], asked)
    assert (room.row(running).statut, room.row(running).motif_fin) == ("terminee", "fin_inactivite")
    assert room.log("fermeture")[0].metadata["motif"] == "fin_inactivite"


def test_idleness_and_endings_of_the_poste_are_in_the_trail_once(room: Room) -> None:
    running = str(room.running())
    told: list[messages.Event] = [
        messages.Idle(n=1, boot=BOOT, session=running, idle_s=300, outcome="asked"),
        messages.Ended(n=2, boot=BOOT, session=running, reason="idle", remaining_ms=60_000),
    ]
    for _ in range(2):
        events.happened(room.fleet, room.lease, [(room.postes[0], one) for one in told])
    (idle,), (ended,) = room.log("inactivite"), room.log("fin_au_poste")
    assert idle.metadata == {"inactif_s": 300, "issue": "asked"}
    assert ended.metadata == {"motif": "idle", "restant_ms": 60_000}
    assert str(ended.session_id) == running
