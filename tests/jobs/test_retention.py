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
