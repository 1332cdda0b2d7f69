"""The days and weeks that the database counts by are those of the rules."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from fleet.database import local_time
from fleet.database.engine import Database
from fleet.domain.opening_hours import OpeningHours

ZONES = ("Indian/Reunion", "Europe/Paris", "America/Cayenne", "Pacific/Auckland")
INSTANTS = (
    "2026-03-29T00:30",
    "2026-03-29T22:30",
    "2026-10-25T01:30",
    "2026-11-22T20:00",
    "2026-11-23T03:59",
)


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_day_and_week_begin_when_the_rules_say(database: Database, zone: str) -> None:
    hours = OpeningHours(zone)
    for instant in (datetime.fromisoformat(word).replace(tzinfo=UTC) for word in INSTANTS):
        with database.glance() as tx:
            starts = (local_time.start(tx, unit, instant, zone) for unit in ("day", "week"))
            told = tuple(tx.execute(select(*starts)).one())
        assert told == (hours.day_bounds(instant)[0], hours.week_start(instant))
