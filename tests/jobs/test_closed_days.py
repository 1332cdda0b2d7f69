"""What ended days add up to is what a recount of the rows finds, whatever happens to them afterwards."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from fleet.database import audit, erasing, sums, tables
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.gaps import Period
from fleet.domain.actor import SYSTEM
from fleet.jobs.settings import JobSettings, Keep
from fleet.usecases import log_statistics, sites, statistics
from tests.jobs.conftest import Go
from tests.support.rooms import Room

ZONE = "Indian/Reunion"
WEEKS = 12
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(weeks=WEEKS + 1)
REFUSALS: tuple[dict[str, Any], ...] = (
    {"motif": "quota_jour"},
    {"motif": "poste_occupe", "autres_refus": 4},
    {},
)


@pytest.fixture
def dice() -> random.Random:
    return random.Random(20_261_125)


@pytest.fixture
def lived(room: Room, dice: random.Random) -> Room:
    """Twelve weeks of two sites in two zones, and of the deployment itself."""
    paris = sites.create(room.fleet, SYSTEM, "paris", {"nom": "Paris", "zone": "Europe/Paris"})
    people = [
        None,
        room.person(categorie="jeune"),
        room.person(categorie=None),
        room.person(categorie="adulte"),
    ]
    rows = [
        {
            **_ended(dice, dice.choice((paris, room.site_id)), dice.choice(people)),
            "poste_id": dice.choice((None, *room.postes)),
        }
        for _ in range(150)
    ]
    with room.tx() as tx:
        tx.execute(insert(tables.session), rows)
    for number in range(120):
        entry = Entry(
            dice.choice(("ajout_temps", "refus", "echec_code", "expiration")),
            dice.choice((paris, room.site_id, None)),
            metadata=dice.choice(REFUSALS),
        )
        with room.tx() as tx:
            audit.write(tx.connection, [entry], BEGIN + timedelta(hours=16 * number))
    return room


def _ended(dice: random.Random, site_id: int, person: int | None) -> dict[str, Any]:
    created = BEGIN + timedelta(seconds=dice.randrange(WEEKS * 7 * 86_400))
    begun = created + timedelta(seconds=dice.randrange(2 * 86_400))
    return {
        "site_id": site_id,
        "utilisateur_id": person,
        "statut": dice.choice(("expiree", "terminee")),
        "motif_fin": dice.choice(("duree_ecoulee", "desk", None)),
        "duree_initiale_ms": 3_600_000,
        "temps_ajoute_ms": dice.choice((0, 900_000)),
        "restant_ms": dice.randrange(3_600_000),
        "debut_session": begun if dice.random() < 0.9 else None,
        "fin_session": begun + timedelta(hours=1),
        "created_at": created,
        "updated_at": created,
    }


def _periods(dice: random.Random, room: Room) -> list[Period]:
    whole = Period(BEGIN - timedelta(days=3), datetime.now(UTC))
    found = [whole, Period(whole.since, whole.until, room.site_id)]
    for _ in range(8):
        since = BEGIN + timedelta(hours=dice.randrange(WEEKS * 168))
        found.append(Period(since, since + timedelta(hours=dice.randrange(1, WEEKS * 168))))
    return found


def require_the_same(room: Room, dice: random.Random) -> None:
    with room.fleet.database.read() as tx:
        for when in _periods(dice, room):
            added = statistics.counted(tx, SYSTEM, when)
            assert added == statistics.counted(tx, SYSTEM, when, raw=True), when
            assert statistics.by_category(tx, SYSTEM, when) == added.par_categorie, when
            used = statistics.by_poste(tx, SYSTEM, when)
            assert (used.sessions, used.seconds) == (added.demarrees, added.secondes_utilisees), when
            assert (used.share, used.by_poste) == (added.taux_occupation, added.par_poste), when
            lines = log_statistics.counted(tx, SYSTEM, when, ZONE)
            assert lines == log_statistics.counted(tx, SYSTEM, when, ZONE, raw=True), when


def closed(room: Room, kind: str = "sessions") -> int:
    """How many days are closed."""
    known = select(tables.bilan.c.depuis, tables.bilan.c.jusqu_a).where(tables.bilan.c.genre == kind)
    with room.fleet.database.read() as tx:
        return sum(row.jusqu_a - row.depuis < timedelta(days=2) for row in tx.execute(known))


def test_closed_days_add_up_to_what_the_rows_say(lived: Room, go: Go, dice: random.Random) -> None:
    require_the_same(lived, dice)
    done = go("closed_days")
    assert (done["sessions"], done["logs"]) == (closed(lived), closed(lived, "logs"))
    assert done["sessions"] >= 2 * 7 * (WEEKS - 2)
    assert done["logs"] >= 3 * 7 * (WEEKS - 2)
    require_the_same(lived, dice)
    assert go("closed_days") == {"sessions": 0, "logs": 0}


def test_figures_are_read_from_closed_days(lived: Room, go: Go) -> None:
    go("closed_days")
    when = Period(BEGIN - timedelta(days=10), datetime.now(UTC))
    with lived.tx() as tx:
        tx.execute(update(tables.bilan).values(sommes=sums.pack({"tout": {"": [1, 0, 0, 0]}})))
        read = statistics.counted(tx, SYSTEM, when).demarrees
    # Two sites of twelve weeks: a day or two at each end, weeks, and spans of four weeks.
    assert 2 * 3 < read < 2 * 7 * 3


def _any(tx: Transaction, *where: Any) -> Any:
    some = select(tables.session).where(tables.session.c.debut_session.is_not(None), *where)
    return tx.execute(some.order_by(tables.session.c.id).limit(1)).one()


def _undo(tx: Transaction) -> None:
    mine = tables.session.c.id == _any(tx).id
    tx.execute(
        update(tables.session).where(mine).values(statut="suspendue", restant_ms=60_000, motif_fin="undo")
    )


def _more_time(tx: Transaction) -> None:
    mine = tables.session.c.id == _any(tx).id
    tx.execute(
        update(tables.session).where(mine).values(temps_ajoute_ms=tables.session.c.temps_ajoute_ms + 7_000)
    )


def _move(tx: Transaction) -> None:
    row = _any(tx)
    moved = {"debut_session": row.debut_session + timedelta(days=8)}
    tx.execute(update(tables.session).where(tables.session.c.id == row.id).values(**moved))


def _deletion(tx: Transaction) -> None:
    tx.execute(delete(tables.session).where(tables.session.c.id == _any(tx).id))


def _late_row(tx: Transaction) -> None:
    tx.execute(insert(tables.session).values(**_ended(random.Random(1), _any(tx).site_id, None)))


@pytest.mark.parametrize("change", [_undo, _more_time, _move, _deletion, _late_row])
def test_a_late_change_of_a_session_opens_its_day_again(
    lived: Room, go: Go, dice: random.Random, change: Callable[[Transaction], None]
) -> None:
    go("closed_days")
    before = closed(lived)
    with lived.tx() as tx:
        change(tx)
    assert 1 <= before - closed(lived) <= 4
    require_the_same(lived, dice)
    go("closed_days")
    require_the_same(lived, dice)


def test_a_day_with_a_session_that_is_not_over_stays_open(lived: Room, go: Go, dice: random.Random) -> None:
    with lived.tx() as tx:
        _undo(tx)
    go("closed_days")
    before = closed(lived)
    with lived.tx() as tx:
        over = {"statut": "terminee", "motif_fin": "desk"}
        tx.execute(update(tables.session).where(tables.session.c.statut == "suspendue").values(**over))
    require_the_same(lived, dice)
    assert go("closed_days")["sessions"] == closed(lived) - before >= 1
    require_the_same(lived, dice)


def test_the_day_that_is_not_over_is_open(room: Room, go: Go, dice: random.Random) -> None:
    room.running()
    assert go("closed_days")["sessions"] == 0
    require_the_same(room, dice)


def test_forgetting_people_changes_no_figure_and_opens_no_day(
    lived: Room, go: Go, dice: random.Random
) -> None:
    go("closed_days")
    before = closed(lived)
    with lived.tx() as tx:
        people = tx.execute(select(tables.utilisateur.c.id)).scalars().all()
        tx.execute(update(tables.utilisateur).values(categorie="senior"))
    require_the_same(lived, dice)
    with lived.tx() as tx:
        erasing.forget_people(tx, people)
    assert closed(lived) == before
    require_the_same(lived, dice)


def test_another_zone_of_a_site_makes_other_days(lived: Room, go: Go, dice: random.Random) -> None:
    go("closed_days")
    sites.edit(lived.fleet, SYSTEM, lived.site_id, {"zone": "Europe/Paris"})
    require_the_same(lived, dice)
    assert go("closed_days")["sessions"] >= WEEKS - 1
    require_the_same(lived, dice)


def test_lines_that_are_purged_are_counted_no_more(
    lived: Room, go: Go, dice: random.Random, settings: JobSettings
) -> None:
    go("closed_days")
    before = closed(lived, "logs")
    go("log_archive")
    soon = JobSettings(
        archives=settings.archives, backups=settings.backups, keep=Keep(logs=timedelta(days=10))
    )
    assert go("log_cleanup", soon)["lignes"] > 0
    assert closed(lived, "logs") < before
    require_the_same(lived, dice)
