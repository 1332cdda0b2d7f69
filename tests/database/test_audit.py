"""The audit trail: gap-free, chained, and still valid when personal data is erased."""

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import delete, update

from fleet.database import audit, tables
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.usecases import sessions
from tests.support.rooms import Room, Undone, make_room
from tests.support.tampering import unguarded

log = tables.log


def _verify(database: Database) -> list[tuple[int, int, str]]:
    with database.read() as tx:
        return [(one.chain, one.numero, one.what) for one in audit.verify(tx.connection)]


def _at(room: Room, numero: int) -> Any:
    return (log.c.site_id == room.site_id) & (log.c.numero == numero)


@pytest.fixture
def written(room: Room) -> Room:
    """A room with ten entries, five of which hold personal data."""
    with room.tx() as tx:
        for n in range(10):
            personal = {"ip": f"192.0.2.{n}", "nom": "Payet"} if n % 2 else None
            tx.record(Entry("erreur", room.site_id, details=f"n° {n}", metadata={"n": n}, personal=personal))
    return room


def test_a_trail_that_nobody_touched_is_valid(written: Room) -> None:
    make_room(written.fleet.database).new()
    with written.tx() as tx:
        tx.record(Entry("connexion_operateur", None, details="the deployment itself"))
    assert _verify(written.fleet.database) == []


@pytest.mark.parametrize(
    "change",
    [
        {"details": "nothing happened"},
        {"action": "fermeture"},
        {"metadata": {"n": 41}},
        {"utilisateur_id": 7},
        {"operateur_id": 7},
        {"commitment": None},
    ],
)
def test_an_altered_entry_is_found(written: Room, change: dict[str, Any]) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(update(log).where(_at(written, 4)).values(**change))
    assert _verify(written.fleet.database) == [(written.site_id, 4, "altered")]


def test_an_altered_date_is_found(written: Room) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(update(log).where(_at(written, 4)).values(created_at=tx.now))
    assert _verify(written.fleet.database) == [(written.site_id, 4, "altered")]


def test_an_entry_rewritten_with_a_hash_that_fits_breaks_its_successor(written: Room) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(update(log).where(_at(written, 4)).values(previous_hash=bytes(32), hash=bytes(32)))
    assert _verify(written.fleet.database) == [(written.site_id, 4, "does not follow its predecessor")]


@pytest.mark.parametrize("numero", [1, 5])
def test_a_missing_entry_is_found(written: Room, numero: int) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(delete(log).where(_at(written, numero)))
    assert _verify(written.fleet.database) == [(written.site_id, numero, "missing")]


def test_a_tail_that_was_cut_off_is_found(written: Room) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(delete(log).where(log.c.site_id == written.site_id, log.c.numero > 8))
    assert _verify(written.fleet.database) == [(written.site_id, 9, "end cut off")]


def test_a_trail_that_was_emptied_is_found(written: Room) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(delete(log).where(log.c.site_id == written.site_id))
    assert _verify(written.fleet.database) == [(written.site_id, 1, "end cut off")]


def test_altered_personal_data_is_found(written: Room) -> None:
    with written.tx() as tx, unguarded(tx):
        tx.execute(update(log).where(_at(written, 4)).values(personal={"ip": "192.0.2.99", "nom": "Payet"}))
    assert _verify(written.fleet.database) == [(written.site_id, 4, "personal data altered")]


def test_erasing_personal_data_leaves_the_trail_valid(written: Room) -> None:
    with written.tx() as tx:
        tx.execute(update(log).where(log.c.personal.is_not(None)).values(personal=None, salt=None))
    assert _verify(written.fleet.database) == []


def test_a_broken_chain_does_not_hide_another(written: Room) -> None:
    other = make_room(written.fleet.database)
    other.new()
    with written.tx() as tx, unguarded(tx):
        tx.execute(delete(log).where(_at(written, 2)))
        tx.execute(update(log).where(_at(other, 1)).values(details="x"))
    broken = sorted([(written.site_id, 2, "missing"), (other.site_id, 1, "altered")])
    assert _verify(written.fleet.database) == broken


def test_what_is_undone_takes_no_number(room: Room) -> None:
    room.new()
    with suppress(Undone), room.tx() as tx:
        tx.record(Entry("erreur", room.site_id))
        tx.flush()
        raise Undone
    room.new()
    assert [entry.numero for entry in room.log()] == [1, 2]


def test_each_site_counts_for_itself(room: Room) -> None:
    other = make_room(room.fleet.database)
    for one in (room, other, room):
        one.new()
    assert [entry.numero for entry in room.log()] == [1, 2]
    assert [entry.numero for entry in other.log()] == [1]


def test_metadata_of_every_kind_survives_the_chain(room: Room) -> None:
    facts = {"é": "ï\u202f!", "n": 1.5, "big": 2**40, "list": [1, None, True], "nested": {"b": 1, "a": [{}]}}
    with room.tx() as tx:
        tx.record(Entry("erreur", room.site_id, metadata=facts, personal={"nom": "Hoareau\u0301"}))
    assert _verify(room.fleet.database) == []
    assert room.log()[0].metadata == facts


def test_a_whole_visit_leaves_a_valid_trail(room: Room) -> None:
    running = room.running(person=room.person())
    sessions.add_time(room.fleet, room.actor, running, 900)
    sessions.suspend(room.fleet, room.actor, running)
    sessions.terminate(room.fleet, room.actor, running)
    room.refusal(sessions.add_time, room.fleet, room.actor, running, 60)
    assert [entry.action for entry in room.log()] == [
        "generation_code",
        "demarrage_session",
        "ajout_temps",
        "suspension_session",
        "fermeture",
        "refus",
    ]
    assert _verify(room.fleet.database) == []
