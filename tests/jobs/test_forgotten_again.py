"""A restore brings nobody back who was forgotten after the backup, whatever became of the database."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from fleet.database import audit, tables
from fleet.database.register import NAME, Register
from fleet.domain.actor import SYSTEM
from fleet.jobs.failures import JobFailed
from fleet.jobs.restore import Restored
from fleet.jobs.settings import JobSettings
from fleet.usecases import bookings, personal_data, poste_views, queue, sessions, utilisateurs
from fleet.usecases.bookings import NewBooking
from fleet.usecases.queue import NewTicket
from tests.jobs.conftest import Go, older
from tests.jobs.test_backup import back, books_hold, made, stopped, where, wreck
from tests.support.rooms import Room

Way = Callable[[Room, int], object]
GONE: dict[str, Way] = {
    "erased": lambda room, person: personal_data.erase(room.fleet, SYSTEM, person),
    "removed": lambda room, person: utilisateurs.remove(room.fleet, SYSTEM, person),
}


@pytest.fixture
def register(room: Room, settings: JobSettings) -> Iterator[Register]:
    """The deployment writes into the folder of its backups who is forgotten."""
    kept = Register(where(settings).folder / NAME)
    room.fleet.database.register = kept
    yield kept
    room.fleet.database.register = None


def names(room: Room) -> list[str]:
    with room.fleet.database.read() as tx:
        return list(tx.execute(select(tables.utilisateur.c.nom).order_by(tables.utilisateur.c.nom)).scalars())


def people(room: Room) -> list[Any]:
    with room.fleet.database.read() as tx:
        return list(tx.execute(select(tables.utilisateur).order_by(tables.utilisateur.c.id)))


def trail(room: Room, action: str) -> list[Any]:
    with room.fleet.database.read() as tx:
        found = tx.execute(select(tables.log).where(tables.log.c.action == action).order_by(tables.log.c.id))
        return list(found)


def lost(room: Room, path: Path) -> Restored:
    """The database is wrecked, and put back."""
    stopped(room)
    wreck(room.fleet.database)
    return back(room, path)


def consenting(room: Room, **fields: Any) -> int:
    at = datetime.now(UTC) - timedelta(days=30)
    return room.person(date_consentement=at, created_at=at, telephone="+262692123456", **fields)


@pytest.mark.parametrize("way", list(GONE))
def test_who_was_forgotten_after_the_backup_does_not_come_back(
    room: Room, settings: JobSettings, register: Register, way: str
) -> None:
    gone, _ = room.person(nom="Gone"), room.person(nom="Stays")
    path = made(room, settings)
    GONE[way](room, gone)
    done = lost(room, path)
    assert names(room) == ["Stays"]
    assert (done.again.people, done.again.consents, done.erasures.is_whole) == (1, 0, True)
    books_hold(room)


def test_it_is_told_in_the_trail_and_certified_again(
    room: Room, settings: JobSettings, register: Register
) -> None:
    gone, took = room.person(nom="Gone"), consenting(room)
    path = made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    utilisateurs.revoke_consent(room.fleet, SYSTEM, took)
    lost(room, path)
    told = trail(room, "restauration")[-1].metadata
    facts = ("personnes_oubliees", "consentements_retires", "effacements_connus")
    assert [told[fact] for fact in facts] == [1, 1, True]
    certified = trail(room, "purge")[-1]
    assert (certified.utilisateur_id, certified.metadata["motif"]) == (gone, "restauration")
    assert datetime.fromisoformat(certified.metadata["efface_le"]) < certified.created_at
    again = trail(room, "revocation_consentement")[-1]
    assert (again.utilisateur_id, again.metadata["motif"]) == (took, "restauration")
    with room.fleet.database.read() as tx:
        assert len(tx.execute(select(tables.purge)).all()) == 1
        assert list(audit.verify(tx.connection)) == []


def test_whom_the_clock_of_retention_forgot_does_not_come_back_either(
    room: Room, settings: JobSettings, register: Register, go: Go
) -> None:
    room.person(nom="Gone")
    older(room.fleet.database, 400)
    path = made(room, settings)
    go("old_sessions")
    assert names(room) == []
    assert lost(room, path).again.people == 1
    assert names(room) == []


def test_a_consent_that_was_taken_back_stays_taken_back(
    room: Room, settings: JobSettings, register: Register
) -> None:
    took, _ = consenting(room), consenting(room)
    path = made(room, settings)
    utilisateurs.revoke_consent(room.fleet, SYSTEM, took)
    assert lost(room, path).again.consents == 1
    seen = [(one.consentement_rgpd, one.telephone is None, one.date_consentement) for one in people(room)]
    assert seen[0] == (False, True, None)
    assert seen[1][:2] == (True, False)


def test_a_consent_given_anew_after_it_was_taken_back_holds(
    room: Room, settings: JobSettings, register: Register
) -> None:
    came = consenting(room)
    utilisateurs.revoke_consent(room.fleet, SYSTEM, came)
    utilisateurs.edit(room.fleet, SYSTEM, came, {"consentement_rgpd": True}, room.site_id)
    assert lost(room, made(room, settings)).again.consents == 0
    assert people(room)[0].consentement_rgpd


def test_a_number_that_somebody_had_before_means_nobody_of_now(
    room: Room, settings: JobSettings, register: Register
) -> None:
    gone = room.person(nom="Gone")
    personal_data.erase(room.fleet, SYSTEM, gone)
    room.person(id=gone, nom="Other")
    assert lost(room, made(room, settings)).again.people == 0
    assert names(room) == ["Other"]


@pytest.mark.parametrize("keep_codes", [False, True])
def test_what_they_held_when_the_backup_was_made_is_given_back(
    room: Room, settings: JobSettings, register: Register, keep_codes: bool
) -> None:
    room.at_noon()
    person = room.person(nom="Gone")
    running = room.running(600, person=person)
    waiting = room.new(600, poste=room.postes[1], person=room.person(nom="Held"))
    start = datetime.now(UTC) + timedelta(minutes=5)
    booking = NewBooking(room.postes[2], start, start + timedelta(hours=1), person)
    bookings.create(room.fleet, room.actor, booking)
    queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, person, "Gone"))
    path = made(room, settings)
    sessions.terminate(room.fleet, room.actor, running)
    for row in people(room):
        personal_data.erase(room.fleet, SYSTEM, row.id)
    stopped(room)
    wreck(room.fleet.database)
    assert back(room, path, keep_codes=keep_codes).again.people == 2
    for number in (running, waiting.session_id):
        ended = room.row(number)
        assert (ended.statut, ended.motif_fin, ended.utilisateur_id) == ("terminee", "effacement", None)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.booking.c.statut)).scalar_one() == "annulee"
        assert tx.execute(select(tables.queue.c.statut)).scalar_one() == "abandonnee"
    assert {poste_views.one(room.fleet, SYSTEM, poste).statut for poste in room.postes} != {"reserve"}
    books_hold(room)


def test_without_a_register_the_database_itself_still_tells(room: Room, settings: JobSettings) -> None:
    room.new(600)
    gone, removed, took = room.person(nom="Gone"), room.person(nom="Removed"), consenting(room, nom="Stays")
    path = made(room, settings)
    for way, person in zip(GONE.values(), (gone, removed), strict=True):
        way(room, person)
    utilisateurs.revoke_consent(room.fleet, SYSTEM, took)
    (path.parent / NAME).unlink()
    stopped(room)
    done = back(room, path)
    assert (done.again.people, done.again.consents, done.erasures.is_whole) == (2, 1, True)
    assert names(room) == ["Stays"]


def test_without_register_and_database_the_restore_says_that_it_does_not_know(
    room: Room, settings: JobSettings
) -> None:
    gone = room.person(nom="Gone")
    path = made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    (path.parent / NAME).unlink()
    done = lost(room, path)
    assert (names(room), done.erasures.is_whole, done.erasures.until) == (["Gone"], False, None)
    assert trail(room, "restauration")[-1].metadata["effacements_connus"] is False


def test_a_database_of_another_past_is_not_believed_to_know_all(room: Room, settings: JobSettings) -> None:
    """It was restored from an older backup meanwhile: what was forgotten before that is not in its trail."""
    older_path = made(room, settings)
    room.new(600)
    path = made(room, settings)
    stopped(room)
    back(room, older_path)
    (path.parent / NAME).unlink()
    assert back(room, path, force=True).erasures.is_whole is False


def test_a_trail_of_which_a_part_is_archived_alone_is_not_believed_to_know_all(
    room: Room, settings: JobSettings
) -> None:
    gone, late = room.person(nom="Gone"), room.person(nom="Late")
    room.new(600)
    path = made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    with room.tx() as tx:
        (last,) = [one.numero for one in audit.anchors(tx.connection) if one.chain == 0]
        part = {"chain": 0, "premier": 1, "dernier": last, "fichier": "x", "sha256": b"x"}
        ends = {"previous_hash": audit.GENESIS, "hash": audit.GENESIS}
        tx.execute(insert(tables.log_archive).values(**part, **ends, created_at=tx.now, purge_a=tx.now))
        tx.execute(delete(tables.log).where(tables.log.c.site_id.is_(None), tables.log.c.numero <= last))
    personal_data.erase(room.fleet, SYSTEM, late)
    (path.parent / NAME).unlink()
    stopped(room)
    done = back(room, path)
    assert (names(room), done.again.people, done.erasures.is_whole) == (["Gone"], 1, False)


def test_a_register_that_begins_after_the_backup_does_not_know_all(
    room: Room, settings: JobSettings, register: Register
) -> None:
    gone, late = room.person(nom="Gone"), room.person(nom="Late")
    path = made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    register.path.unlink()
    personal_data.erase(room.fleet, SYSTEM, late)
    done = lost(room, path)
    assert (names(room), done.again.people, done.erasures.is_whole) == (["Gone"], 1, False)


def test_a_line_that_a_crash_cut_short_spoils_no_other_and_is_said(
    room: Room, settings: JobSettings, register: Register
) -> None:
    gone = room.person(nom="Gone")
    path = made(room, settings)
    with register.path.open("ab") as file:
        file.write(b'\n{"quoi":"oubli","le":"2026-')
    personal_data.erase(room.fleet, SYSTEM, gone)
    done = lost(room, path)
    assert (names(room), done.erasures.is_whole) == ([], False)


def test_a_restore_elsewhere_begins_a_register_that_knows_it_too(
    room: Room, settings: JobSettings, register: Register, tmp_path: Path
) -> None:
    gone = room.person(nom="Gone")
    path = made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    elsewhere = room.fleet.database.register = Register(tmp_path / "new" / NAME)
    lost(room, path)
    register.path.unlink()
    assert lost(room, path).again.people == 1
    found = elsewhere.read()
    assert found is not None
    assert {line.utilisateur for line in found.lines} == {gone}


def test_the_register_holds_numbers_and_instants_alone(
    room: Room, settings: JobSettings, register: Register
) -> None:
    gone, took = room.person(nom="Unique"), consenting(room, nom="Unique")
    made(room, settings)
    personal_data.erase(room.fleet, SYSTEM, gone)
    utilisateurs.revoke_consent(room.fleet, SYSTEM, took)
    lines = [json.loads(line) for line in register.path.read_text().split("\n") if line]
    assert [(one["quoi"], one.get("utilisateur")) for one in lines] == [
        ("sauvegarde", None),
        ("oubli", gone),
        ("consentement", took),
    ]
    assert set().union(*lines) == {"quoi", "le", "utilisateur"}
    assert register.path.stat().st_mode & 0o077 == 0


def test_nothing_is_written_of_what_is_undone(room: Room, register: Register) -> None:
    running = room.person()
    room.running(600, person=running)
    assert room.refusal(personal_data.erase, room.fleet, SYSTEM, running) == "effacement_session_ouverte"
    assert register.read() is None


def test_who_cannot_be_written_down_is_not_forgotten(
    room: Room, settings: JobSettings, register: Register, go: Go
) -> None:
    person = room.person(nom="Stays")
    where(settings).folder.write_text("no folder")
    assert room.refusal(personal_data.erase, room.fleet, SYSTEM, person) == "effacement_non_inscrit"
    assert room.refusal(utilisateurs.revoke_consent, room.fleet, SYSTEM, person) == "effacement_non_inscrit"
    older(room.fleet.database, 400)
    assert "à côté des sauvegardes" in go("old_sessions", fails=True)["erreur"]
    assert names(room) == ["Stays"]
    assert people(room)[0].consentement_rgpd
    assert {line.metadata["motif"] for line in trail(room, "refus")} == {"effacement_non_inscrit"}


def test_where_the_register_cannot_begin_there_is_no_backup(room: Room, settings: JobSettings) -> None:
    (where(settings).folder / NAME).mkdir(parents=True)
    with pytest.raises(JobFailed, match="à côté des sauvegardes"):
        made(room, settings)


def test_the_oldest_backups_go_and_the_register_stays(
    room: Room, settings: JobSettings, register: Register, go: Go
) -> None:
    for _ in range(3):
        go("backup")
    found = register.read()
    assert found is not None
    assert [line.quoi for line in found.lines] == ["sauvegarde"] * 3
