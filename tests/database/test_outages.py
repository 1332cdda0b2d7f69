"""A power cut of a whole room is made good in one act."""

from datetime import timedelta

from sqlalchemy import select, update

from fleet.database import tables
from fleet.usecases import outages, sessions
from fleet.usecases.outages import Outage
from tests.support.rooms import Room


def _cut(room: Room) -> list[int]:
    """Three sessions of an hour, half used; the power of their postes went and came back."""
    numbers = [room.running(poste=poste) for poste in room.postes]
    with room.tx() as tx:
        for row in tx.execute(select(tables.session)).all():
            values = {
                "fin_prevue": row.fin_prevue - timedelta(minutes=30),
                "debut_session": row.debut_session - timedelta(minutes=30),
            }
            tx.execute(update(tables.session).where(tables.session.c.id == row.id).values(**values))
    for poste in room.postes:
        room.resync(poste, boot="boot-2")
        room.presence(poste, boot="boot-2")
    return numbers


def test_every_paused_session_gets_its_time_and_runs_again(room: Room) -> None:
    numbers = _cut(room)
    room.presence(room.postes[2], online=False)
    done = outages.credit(room.fleet, room.actor, Outage(room.site_id, seconds=600))
    assert (done.total, done.reprises) == (3, 2)
    assert [(one.session, one.credit, one.reprise) for one in done.resultats] == [
        (numbers[0], 600, True), (numbers[1], 600, True), (numbers[2], 600, False),
    ]  # fmt: skip
    assert done.resultats[2].motif == "poste_hors_ligne"
    for number in numbers:
        assert room.ledger(number) == [("initial", 3_600_000), ("credit_panne", 600_000)]
        assert 2_390_000 < (room.row(number).restant_ms or 0) <= 2_400_000
    assert [room.row(number).statut for number in numbers] == ["active", "active", "suspendue"]
    assert (len(room.log("credit_panne")), len(room.log("reprise_session"))) == (3, 2)


def test_one_cut_is_credited_once_and_never_more_than_was_used(room: Room) -> None:
    numbers = _cut(room)
    room.presence(room.postes[0], online=False)
    outage = Outage(room.site_id, [room.postes[0]], seconds=7200)
    first = outages.credit(room.fleet, room.actor, outage)
    again = outages.credit(room.fleet, room.actor, outage)
    assert (first.total, again.total) == (1, 1)
    assert 1790 <= first.resultats[0].credit <= 1801
    assert again.resultats[0].credit == 0
    assert room.row(numbers[0]).restant_ms == 3_600_000
    assert room.row(numbers[1]).statut == "suspendue"


def test_an_interval_counts_from_when_a_session_began(room: Room) -> None:
    numbers = _cut(room)
    began = room.row(numbers[0]).debut_session
    outage = Outage(room.site_id, since=began - timedelta(hours=1), until=began + timedelta(minutes=5))
    done = outages.credit(room.fleet, room.actor, outage)
    assert abs(done.resultats[0].credit - 300) <= 1


def test_a_pause_by_the_desk_is_no_outage(room: Room) -> None:
    session = room.running()
    sessions.suspend(room.fleet, room.actor, session)
    assert outages.credit(room.fleet, room.actor, Outage(room.site_id, seconds=60)).total == 0
    assert room.refusal(outages.credit, room.fleet, room.actor, Outage(room.site_id)) == "champ_obligatoire"
    assert (
        room.refusal(outages.credit, room.fleet, room.actor, Outage(room.site_id, [9**9], 60))
        == "introuvable"
    )
