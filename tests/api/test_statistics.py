"""Figures: what the API counts is what a recount by hand finds, by the site's own calendar, in one statement."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, select

from fleet.database import tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import sites
from tests.api.conftest import Desk

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
PERIOD = {"depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-04-01T00:00:00Z"}
MOTIFS = ("duree_ecoulee", "fin_visiteur", "desk")


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """60 sessions of a month at two sites of different zones, some anonymous, some of a person."""
    paris = sites.create(desk.fleet, SYSTEM, "paris", {"nom": "Paris", "zone": "Europe/Paris"})
    people = [
        desk.post("/utilisateurs/", {"nom": "A", "prenom": "B", "categorie": categorie})["id"]
        for categorie in ("jeune", "adulte")
    ]
    postes = [desk.get(f"/postes/poste-{n}/")["id"] for n in (1, 2)]
    rows = []
    for n in range(60):
        created = BEGIN + timedelta(hours=11 * n, minutes=7 * n)
        begun = created + timedelta(seconds=60 + n)
        rows.append(
            {
                "site_id": paris if n % 3 == 0 else desk.site_id,
                "poste_id": postes[n % 2],
                "utilisateur_id": (None, *people)[n % 3],
                "statut": "expiree" if n % 3 else "terminee",
                "motif_fin": MOTIFS[n % 3],
                "duree_initiale_ms": 3_600_000,
                "temps_ajoute_ms": 60_000 * (n % 4),
                "restant_ms": 600_000 if n % 3 == 0 else 0,
                "debut_session": begun,
                "fin_prevue": begun + timedelta(hours=1),
                "fin_session": begun + timedelta(hours=1),
                "created_at": created,
                "updated_at": created,
            }
        )
    with desk.fleet.database.transaction() as tx:
        tx.execute(insert(tables.session), rows)
    return desk


def recount(desk: Desk) -> dict[str, Counter[str]]:
    """The same figures, row by row."""
    with desk.fleet.database.read() as tx:
        zones = {row.id: (row.slug, row.zone) for row in tx.execute(select(tables.site))}
        people = {row.id: row.categorie for row in tx.execute(select(tables.utilisateur))}
        rows = tx.execute(select(tables.session)).all()
    found: dict[str, Counter[str]] = {}
    for row in rows:
        slug, zone = zones[row.site_id]
        local = row.debut_session.astimezone(ZoneInfo(zone))
        keys = {
            "par_jour": f"{local:%Y-%m-%d}",
            "par_heure": str(local.hour),
            "par_jour_semaine": str(local.weekday()),
            "par_site": slug,
            "par_categorie": people.get(row.utilisateur_id) or "",
            "par_motif": row.motif_fin,
        }
        used = (row.duree_initiale_ms + row.temps_ajoute_ms - row.restant_ms) // 1000
        for name, key in keys.items():
            found.setdefault(name, Counter())[key] += 1
            found.setdefault(f"{name} secondes", Counter())[key] += used
    return found


def test_figures_are_what_a_recount_finds(busy: Desk) -> None:
    stats = busy.get("/sessions/stats/", who="admin", params=PERIOD)
    expected = recount(busy)
    for name in ("par_jour", "par_heure", "par_jour_semaine", "par_site", "par_categorie", "par_motif"):
        assert {key: one["sessions"] for key, one in stats[name].items()} == expected[name], name
        assert {key: one["secondes"] for key, one in stats[name].items()} == expected[f"{name} secondes"], (
            name
        )
    assert (stats["demarrees"], stats["creees"], stats["total"]) == (60, 60, 60)
    assert stats["par_statut"] == {
        "en_attente": 0,
        "active": 0,
        "suspendue": 0,
        "terminee": 20,
        "expiree": 40,
    }
    assert stats["attente_moyenne"] == 90  # 60 + n seconds, n from 0 to 59: 89.5
    used = sum(expected["par_site secondes"].values())
    assert (stats["secondes_utilisees"], stats["duree_moyenne"]) == (used, used // 60)


def test_people_and_postes_are_counted_in_a_period_too(busy: Desk) -> None:
    half = {"depuis": "2026-03-10T00:00:00Z", "jusqu_a": "2026-03-20T00:00:00Z"}
    with busy.fleet.database.read() as tx:
        rows = tx.execute(select(tables.session)).all()
        slugs = {row.id: row.slug for row in tx.execute(select(tables.poste))}
    for period in (PERIOD, half):
        since, until = (datetime.fromisoformat(period[word]) for word in ("depuis", "jusqu_a"))
        begun = [row for row in rows if since <= row.debut_session < until]
        people = busy.get("/utilisateurs/stats/", who="admin", params=period)
        came = {row.utilisateur_id for row in begun} - {None}
        assert (people["total"], people["nouveaux"], people["venus"]) == (2, 0, len(came))
        tallies = people["par_categorie_sessions"]
        assert sum(one["sessions"] for one in tallies.values()) == len(begun)
        postes = busy.get("/postes/stats/", who="admin", params=period)
        by_poste = Counter(slugs[row.poste_id] for row in begun)
        assert {slug: one["sessions"] for slug, one in postes["par_poste"].items()} == by_poste
        assert (postes["sessions"], postes["total"]) == (len(begun), 2)
    now = {"depuis": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    assert busy.get("/utilisateurs/stats/", params=now)["nouveaux"] == 2
    foreign = busy.call("GET", "/utilisateurs/stats/", params={**PERIOD, "site": "paris"})
    assert foreign.status_code == 404  # not the desk's


def test_an_operator_counts_what_is_at_the_own_sites(busy: Desk) -> None:
    stats = busy.get("/sessions/stats/", params=PERIOD)
    assert list(stats["par_site"]) == ["st-denis"]
    assert busy.get("/sessions/stats/", who="admin", params={**PERIOD, "site": "paris"})["demarrees"] == 20


def test_occupation_is_the_used_share_of_the_hours_that_were_open(busy: Desk) -> None:
    week = {str(day): [["08:00", "18:00"]] for day in range(5)}
    busy.call("PUT", "/sites/st-denis/", who="admin", json={"horaires": week})
    stats = busy.get(
        "/sessions/stats/", params={"depuis": "2026-03-01T20:00:00Z", "jusqu_a": "2026-03-08T20:00:00Z"}
    )
    assert stats["taux_occupation"] == round(stats["secondes_utilisees"] / (2 * 5 * 10 * 3600), 4)


def test_a_running_session_counts_what_it_has_used(desk: Desk) -> None:
    desk.come(desk.get("/postes/poste-1/")["id"])
    number = desk.session()["id"]
    desk.post(f"/sessions/{number}/start/")
    with desk.fleet.database.transaction() as tx:
        running = tables.session.update().where(tables.session.c.id == number)
        moved = {
            "debut_session": tx.now - timedelta(minutes=10),
            "fin_prevue": tx.now + timedelta(minutes=50),
        }
        tx.execute(running.values(**moved, confirmer_avant=None))
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert 590 <= desk.get("/sessions/stats/", params={"depuis": since})["secondes_utilisees"] <= 660


def test_what_was_refused_is_counted_by_reason(desk: Desk) -> None:
    number = desk.session()["id"]
    desk.call("POST", f"/sessions/{number}/resume/")
    assert desk.get("/sessions/stats/")["refus"] == {"transition_interdite": 1}
    logs = desk.get("/logs/stats/")
    assert (logs["refus"], logs["par_action"]["generation_code"]) == ({"transition_interdite": 1}, 1)
    assert (logs["par_operateur"]["desk"], logs["par_site"]) == (2, {"st-denis": logs["total"]})
    assert sum(logs["par_jour"].values()) == logs["total"]


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"depuis": "2026-03-02T00:00:00Z", "jusqu_a": "2026-03-01T00:00:00Z"}, "jusqu_a"),
        ({"depuis": "2020-01-01T00:00:00Z"}, "depuis"),
        ({"depuis": "demain"}, "depuis"),
    ],
)
def test_a_period_that_cannot_be_counted_is_refused(desk: Desk, period: dict[str, str], field: str) -> None:
    for path in ("/sessions/stats/", "/logs/stats/", "/utilisateurs/stats/", "/postes/stats/"):
        answer = desk.call("GET", path, params=period)
        assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_figures_ask_what_is_added_up_already_and_count_the_rest_in_one_statement(busy: Desk) -> None:
    busy.get("/sessions/stats/", who="admin")
    said: list[Any] = []

    def listener(*given: Any) -> None:
        if given[2] != "BEGIN":
            said.append(given[2])

    engine = busy.fleet.database.engine
    event.listen(engine, "before_cursor_execute", listener)
    try:
        for path in ("/sessions/stats/", "/logs/stats/"):
            said.clear()
            busy.get(path, who="admin", params=PERIOD)
            assert [("bilan" in one, "begun" in one or "lines" in one) for one in said] == [
                (True, False),
                (False, True),
            ]
    finally:
        event.remove(engine, "before_cursor_execute", listener)
