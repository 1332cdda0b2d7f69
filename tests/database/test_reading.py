"""A look at the database shows one state, whatever is committed meanwhile; instants are in UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from fleet.database import audit
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.database.tables import site


def _record(database: Database) -> None:
    with database.transaction() as tx:
        tx.record(Entry("erreur", details="quelque chose"))


def test_a_chain_that_grows_while_it_is_verified_holds(database: Database) -> None:
    _record(database)
    with database.read() as tx:
        broken = audit.verify(tx.connection)
        seen = tx.connection.exec_driver_sql("SELECT numero FROM chain_head").scalar_one()
        _record(database)
        assert list(broken) == []
        assert tx.connection.exec_driver_sql("SELECT numero FROM chain_head").scalar_one() == seen


def test_a_look_keeps_nothing_and_the_next_transaction_sees_the_newest(database: Database) -> None:
    with database.read() as tx:
        before = tx.connection.exec_driver_sql("SELECT count(*) FROM log").scalar_one()
    _record(database)
    with database.transaction() as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM log").scalar_one() == before + 1


def test_an_instant_is_stored_and_given_in_utc_whatever_its_zone(database: Database) -> None:
    noon = datetime(2026, 11, 25, 12, 0, 0, 123456, ZoneInfo("Indian/Reunion"))
    with database.transaction() as tx:
        tx.execute(insert(site).values(slug="midi", nom="Midi", zone="UTC", created_at=noon, updated_at=noon))
    with database.read() as tx:
        told = tx.execute(select(site.c.created_at).where(site.c.slug == "midi")).scalar_one()
    assert told == noon
    assert told.tzinfo is UTC
