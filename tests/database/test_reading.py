"""A look at the database shows one state, whatever is committed meanwhile; instants are in UTC, lists plan once."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text

from fleet.database import audit
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.database.listing import Page
from fleet.database.tables import site
from fleet.usecases import session_views
from fleet.usecases.session_views import SessionFilter
from tests.support.rooms import Room


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


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite plans each statement as it comes
@pytest.mark.parametrize("everywhere", [True, False])
def test_the_page_that_sessions_open_with_is_planned_once(room: Room, everywhere: bool) -> None:
    made = [room.new().session_id for _ in range(3)]
    actor = room.actor if everywhere else replace(room.actor, sites=frozenset({room.site_id}))
    with room.fleet.database.transaction() as tx:
        tx.execute(text("ANALYZE"))  # it plans by what it knows of the tables: else by rows of tests before
    for _ in range(7):
        found = session_views.search(room.fleet, actor, SessionFilter(), Page())
        assert [one.id for one in found.resultats] == made[::-1]
    with room.fleet.database.glance() as tx:
        plans = text("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%page%'")
        assert tx.execute(plans).scalar_one() > 0
