"""What ended days add up to by hour of the week is what a recount of the sessions finds, whatever happens to them."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from fleet.database import sums, tables
from fleet.database.engine import Transaction
from fleet.database.gaps import Period
from fleet.database.rollups import WEEK
from fleet.domain.actor import SYSTEM
from fleet.usecases import occupancy, sites
from tests.jobs.conftest import Go
from tests.support.rooms import Room

DAYS = 70
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS + 5)


@pytest.fixture
def dice() -> random.Random:
    return random.Random(20_261_128)


@pytest.fixture
def lived(room: Room, dice: random.Random) -> Room:
    """Ten weeks of two sites in two zones."""
    paris = sites.create(room.fleet, SYSTEM, "paris", {"nom": "Paris", "zone": "Europe/Paris"})
    with room.tx() as tx:
        tx.execute(
            insert(tables.session), [_ended(dice, dice.choice((paris, room.site_id))) for _ in range(120)]
        )
    return room


def _ended(dice: random.Random, site_id: int) -> dict[str, Any]:
    created = BEGIN + timedelta(seconds=dice.randrange(DAYS * 86_400))
    begun = created + timedelta(seconds=dice.randrange(7200))
    return {
        "site_id": site_id,
        "statut": "expiree",
        "motif_fin": "duree_ecoulee",
        "duree_initiale_ms": 7_200_000,
        "restant_ms": dice.randrange(3_600_000),
        "debut_session": begun,
        "fin_session": begun + timedelta(milliseconds=dice.randrange(3 * 3_600_000)),
        "created_at": created,
        "updated_at": created,
    }


def require_the_same(room: Room, dice: random.Random) -> None:
    whole = Period(BEGIN - timedelta(days=3), datetime.now(UTC))
    periods = [whole, Period(whole.since, whole.until, room.site_id)]
    for _ in range(6):
        since = BEGIN + timedelta(hours=dice.randrange(DAYS * 24))
        periods.append(Period(since, since + timedelta(hours=dice.randrange(1, DAYS * 24))))
    with room.fleet.database.read() as tx:
        for when in periods:
            added = occupancy.counted(tx, SYSTEM, when)
            assert added == occupancy.counted(tx, SYSTEM, when, raw=True), when


def closed(room: Room) -> int:
    with room.fleet.database.read() as tx:
        return len(tx.execute(select(tables.bilan).where(tables.bilan.c.genre == WEEK)).all())


def test_ended_days_add_up_to_what_the_sessions_say(lived: Room, go: Go, dice: random.Random) -> None:
    require_the_same(lived, dice)
    go("closed_days")
    assert closed(lived) > 2 * (DAYS - 3)
    require_the_same(lived, dice)


def test_the_week_is_read_from_ended_days(lived: Room, go: Go) -> None:
    go("closed_days")
    when = Period(BEGIN - timedelta(days=3), datetime.now(UTC))
    with lived.tx() as tx:
        mine = tables.bilan.c.genre == WEEK
        tx.execute(
            update(tables.bilan).where(mine).values(sommes=sums.pack({"creneau": {"0": [1, 3600000]}}))
        )
        found = occupancy.counted(tx, SYSTEM, when)
    first = found.creneaux[0]
    # Two sites of ten weeks: a few days at each end, weeks, and spans of four weeks.
    assert (first.jour, first.heure) == (0, 0)
    assert 2 * 3 < first.commencees < 2 * 7 * 3


def _later(tx: Transaction, one: int) -> None:
    mine = tables.session.c.id == one
    begun = tx.execute(select(tables.session.c.debut_session).where(mine)).scalar_one()
    tx.execute(update(tables.session).where(mine).values(fin_session=begun + timedelta(hours=4)))


def _gone(tx: Transaction, one: int) -> None:
    tx.execute(delete(tables.session).where(tables.session.c.id == one))


@pytest.mark.parametrize("change", [_later, _gone])
def test_a_late_change_of_a_session_opens_its_day_again(
    lived: Room, go: Go, dice: random.Random, change: Callable[[Transaction, int], None]
) -> None:
    go("closed_days")
    before = closed(lived)
    with lived.tx() as tx:
        some = select(tables.session.c.id).order_by(tables.session.c.debut_session).offset(60).limit(1)
        change(tx, tx.execute(some).scalar_one())
    assert closed(lived) < before
    require_the_same(lived, dice)
    go("closed_days")
    assert closed(lived) == before
    require_the_same(lived, dice)
