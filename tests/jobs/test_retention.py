"""What is too old goes; what is counted stays, and the audit chain holds."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from fleet.database import audit, tables
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.usecases import sessions
from tests.jobs.conftest import Go, older
from tests.support.rooms import Room

LONG_AGO = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)


def holds(database: Database) -> bool:
    with database.read() as tx:
        return not list(audit.verify(tx.connection))


def people(database: Database) -> list[int]:
    with database.read() as tx:
        return sorted(tx.execute(select(tables.utilisateur.c.id)).scalars())


def ended(room: Room, person: int) -> int:
    number = room.running(person=person)
    sessions.terminate(room.fleet, room.actor, number)
    return number


def test_somebody_who_came_long_ago_is_forgotten_and_the_session_still_counts(room: Room, go: Go) -> None:
    number = ended(room, room.person(categorie="jeune"))
    older(room.fleet.database, 400)
    done = go("old_sessions")
    assert (done["sessions"], done["utilisateurs"]) == (1, 1)
    kept = room.row(number)
    assert (kept.utilisateur_id, kept.categorie, kept.notes, kept.statut) == (None, "jeune", "", "terminee")
    assert (people(room.fleet.database), holds(room.fleet.database)) == ([], True)
    again = go("old_sessions")
    assert (again["sessions"], again["utilisateurs"]) == (0, 0)


def test_somebody_who_still_comes_or_waits_is_known(room: Room, go: Go) -> None:
    came, waits, new = (room.person(prenom=name) for name in ("came", "waits", "new"))
    number = ended(room, came)
    room.new(person=waits)
    older(room.fleet.database, 300)
    go("old_sessions")
    assert people(room.fleet.database) == sorted([came, waits, new])
    assert room.row(number).utilisateur_id == came


def test_old_requests_for_a_requisition_go(room: Room, go: Go) -> None:
    with room.tx() as tx:
        who = {"login": "chef", "mot_de_passe": "x", "role": "administrateur"}
        stamps = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
        chef = tx.execute(
            insert(tables.operateur).values(**who, **stamps).returning(tables.operateur.c.id)
        ).scalar()
        asked = {"reference": "r", "depuis": LONG_AGO, "jusqu_a": LONG_AGO, "valable_jusqu_a": LONG_AGO}
        for at in (LONG_AGO, tx.now):
            values = {**asked, "demandee_par": chef, "created_at": at}
            tx.execute(insert(tables.requisition).values(**values))
    assert go("old_sessions")["requisitions"] == 1
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.requisition.c.created_at)).scalar_one() > LONG_AGO
        certified = tx.execute(select(tables.purge.c.nombre).where(tables.purge.c.classe == "requisitions"))
        assert certified.scalars().all() == [1]


def test_old_bookings_and_tickets_forget_whom_they_were_for(room: Room, go: Go) -> None:
    person = room.person()
    stamps = {
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "site_id": room.site_id,
        "utilisateur_id": person,
    }
    booked = {
        "poste_id": room.postes[0],
        "debut": LONG_AGO,
        "fin": LONG_AGO + timedelta(hours=1),
        "notes": "n",
    }
    ticket = {"jour": LONG_AGO.date(), "numero": 1, "rang": 1, "duree_s": 600, "statut": "abandonnee"}
    with room.tx() as tx:
        tx.execute(insert(tables.booking).values(**stamps, **booked, statut="absente"))
        tx.execute(insert(tables.queue).values(**stamps, **ticket))
    done = go("old_sessions")
    assert (done["reservations"], done["attente"], done["utilisateurs"]) == (1, 1, 0)
    with room.fleet.database.read() as tx:
        kept = tx.execute(select(tables.booking)).one()
        assert (kept.utilisateur_id, kept.notes, kept.statut) == (None, "", "absente")
        assert tx.execute(select(tables.queue.c.utilisateur_id)).scalar_one() is None
    again = go("old_sessions")
    assert (again["reservations"], again["attente"]) == (0, 0)


def test_somebody_with_a_booking_to_come_is_known(room: Room, go: Go) -> None:
    person = room.person()
    soon = datetime.now(UTC) + timedelta(days=3)
    booked = {"poste_id": room.postes[0], "debut": soon, "fin": soon + timedelta(hours=1), "statut": "prevue"}
    with room.tx() as tx:
        stamps = {"created_at": tx.now, "updated_at": tx.now, "site_id": room.site_id}
        tx.execute(insert(tables.booking).values(**stamps, **booked, utilisateur_id=person))
    older(room.fleet.database, 400)
    assert go("old_sessions")["utilisateurs"] == 0
    assert people(room.fleet.database) == [person]


def test_addresses_go_and_the_chain_still_holds(room: Room, go: Go) -> None:
    entries = [Entry("erreur", room.site_id, personal={"ip": f"192.0.2.{n}"}) for n in range(5)]
    with room.tx() as tx:
        audit.write(tx.connection, entries, LONG_AGO)
        tx.record(Entry("erreur", room.site_id, personal={"ip": "192.0.2.9"}))
    assert go("old_sessions")["adresses"] == 5
    left = [row.personal for row in room.log("erreur") if row.personal]
    assert (left, holds(room.fleet.database)) == ([{"ip": "192.0.2.9"}], True)


def test_each_purge_leaves_a_certificate_and_a_line_in_the_trail(room: Room, go: Go) -> None:
    with room.tx() as tx:
        event = {"poste_id": room.postes[0], "boot": "b", "n": 1, "kind": "idle", "payload": {}}
        tx.execute(insert(tables.poste_event).values(**event, happened_at=LONG_AGO))
        limit = tx.now - timedelta(days=365)
    assert go("old_sessions")["evenements"] == 1
    with room.fleet.database.read() as tx:
        certificate = tx.execute(select(tables.purge)).one()
        line = tx.execute(select(tables.log).where(tables.log.c.action == "purge")).one()
    assert (certificate.classe, certificate.nombre) == ("evenements", 1)
    assert abs(certificate.avant - limit) < timedelta(minutes=1)
    assert line.metadata["certificat"] == certificate.id
