"""When postes are taken: hour by hour of the week, as a recount by hand finds it, against what could be used."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from fleet.database import tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import sites
from tests.api.conftest import Desk

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
PERIOD = {"depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-04-01T00:00:00Z"}
LENGTHS_S = (600, 1500, 3300, 6900, 9000)


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """60 ended sessions of a month, of ten minutes to two hours and a half, at two sites of different zones."""
    paris = sites.create(desk.fleet, SYSTEM, "paris", {"nom": "Paris", "zone": "Europe/Paris"})
    rows = []
    for n in range(60):
        created, length = BEGIN + timedelta(hours=11 * n, minutes=7 * n, seconds=n), LENGTHS_S[n % 5]
        begun = created + timedelta(seconds=30 + 70 * n)
        rows.append(
            {
                "site_id": paris if n % 3 == 0 else desk.site_id,
                "statut": "expiree",
                "motif_fin": "duree_ecoulee",
                "duree_initiale_ms": length * 1000,
                "restant_ms": 0,
                "debut_session": begun,
                "fin_session": begun + timedelta(seconds=length + 60),
                "created_at": created,
                "updated_at": created,
            }
        )
    with desk.fleet.database.transaction() as tx:
        tx.execute(insert(tables.session), rows)
    return desk


def recount(
    desk: Desk, site_id: int | None = None
) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    """Sessions that began in each hour of the week, and seconds for which postes were taken: second by second."""
    begun: Counter[tuple[int, int]] = Counter()
    taken: Counter[tuple[int, int]] = Counter()
    with desk.fleet.database.read() as tx:
        zones = {row.id: ZoneInfo(row.zone) for row in tx.execute(select(tables.site))}
        rows = tx.execute(select(tables.session)).all()
    for row in rows:
        if site_id not in (None, row.site_id):
            continue
        at = row.debut_session.astimezone(zones[row.site_id])
        begun[at.weekday(), at.hour] += 1
        for second in range(int((row.fin_session - row.debut_session).total_seconds())):
            here = at + timedelta(seconds=second)
            taken[here.weekday(), here.hour] += 1
    return begun, taken


def slots(found: Any, what: str) -> dict[tuple[int, int], Any]:
    return {(one["jour"], one["heure"]): one[what] for one in found["creneaux"] if one[what]}


def test_an_hour_of_the_week_has_what_a_recount_finds(busy: Desk) -> None:
    found = busy.get("/sessions/occupation/", who="admin", params=PERIOD)
    begun, taken = recount(busy)
    assert slots(found, "commencees") == dict(begun)
    assert slots(found, "secondes") == dict(taken)
    here = busy.get("/sessions/occupation/", params=PERIOD)  # the desk sees one of the sites
    assert slots(here, "secondes") == dict(recount(busy, busy.site_id)[1])
    paris = busy.get("/sessions/occupation/", who="admin", params={**PERIOD, "site": "paris"})
    assert sum(slots(paris, "commencees").values()) == 20


def test_stays_and_waits_are_counted_by_how_long_they_were(busy: Desk) -> None:
    found = busy.get("/sessions/occupation/", who="admin", params=PERIOD)
    assert [one["sessions"] for one in found["durees"]] == [12, 12, 12, 12, 12]
    assert [(one["de"], one["a"]) for one in found["durees"]][3:] == [(3600, 7200), (7200, None)]
    waits = [30 + 70 * n for n in range(60)]
    for one in found["attentes"]:
        assert one["sessions"] == sum(one["de"] <= wait < (one["a"] or 10**9) for wait in waits), one


def test_the_share_is_of_what_the_lent_postes_could_be_used(busy: Desk) -> None:
    week = {"0": [["08:30", "18:00"]], "1": [["08:00", "12:00"], ["13:00", "24:00"]]}
    busy.call(
        "PUT", "/sites/st-denis/", who="admin", json={"horaires": week, "exceptions": {"2026-03-09": []}}
    )
    # Four Mondays, of which one is closed, and five Tuesdays, in Saint-Denis; two postes.
    found = busy.get("/sessions/occupation/", params={**PERIOD, "depuis": "2026-03-02T20:00:00Z"})
    could = slots(found, "ouvertes")
    assert could[0, 8] == 3 * 2 * 1800
    assert could[0, 9] == 3 * 2 * 3600
    assert could[1, 23] == 5 * 2 * 3600
    assert (1, 12) not in could
    assert not any(day > 1 for day, _ in could)
    one = next(one for one in found["creneaux"] if one["secondes"] and one["ouvertes"])
    assert one["taux"] == pytest.approx(one["secondes"] / one["ouvertes"], abs=1e-4)
    assert all(one["taux"] is None for one in found["creneaux"] if not one["ouvertes"])


def test_who_sits_there_now_takes_the_poste(desk: Desk) -> None:
    desk.come(desk.get("/postes/poste-1/")["id"])
    number = desk.session()["id"]
    desk.post(f"/sessions/{number}/start/")
    with desk.fleet.database.transaction() as tx:
        running = tables.session.update().where(tables.session.c.id == number)
        tx.execute(running.values(debut_session=tx.now - timedelta(minutes=90)))
    since = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    found = desk.get("/sessions/occupation/", params={"depuis": since})
    assert sum(slots(found, "secondes").values()) == pytest.approx(5400, abs=30)
    assert sum(one["sessions"] for one in found["durees"]) == 0  # it has not ended
    assert sum(one["sessions"] for one in found["attentes"]) == 1
