"""A room with some life in it: something for every page to show."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import httpx
from sqlalchemy import insert, select

from fleet.database import alerts, tables
from tests.page.house import House
from tests.support.waiting import wait_until

PEOPLE = (("Hélène", "Payet"), ("Jean-Noël", "Hoarau"), ("Maïté", "Grondin"), ("Yann", "Técher"))
"""First names and names of those who sit there; the last one is on a pause."""
_MINUTES = (90, 42, 4, 60)


class Life(NamedTuple):
    """What can be looked at: ids of a person and of their session."""

    person: int
    session: int


def furnish(house: House, people: tuple[tuple[str, str], ...] = PEOPLE, words: str = "Casque prêté") -> Life:
    """Four visitors who sit there, one of them on a pause, one who asks for time, two who wait; codes of a batch, a
    booking, an order, an alert; a poste out of order, one that is reserved, one that is silent if there are seven."""
    with house.client() as client:
        put = client.put("/sites/demo/", json={"champs": {"date_naissance": "les règles des mineurs"}})
        put.raise_for_status()
        ids = [_person(client, *one, words) for one in people]
        seated = [
            _seated(house, client, slug, minutes * 60, person)
            for slug, minutes, person in zip(house.slugs, _MINUTES, ids, strict=False)
        ]
        client.put(f"/sessions/{seated[0]}/", json={"notes": words}).raise_for_status()
        _post(client, f"/sessions/{seated[3]}/suspend/")
        _post(client, f"/postes/{house.slugs[4]}/marquer_maintenance/")
        _post(
            client,
            "/sessions/",
            poste=house.slugs[5],
            duree_initiale=3600,
            utilisateur=_person(client, "Nadia", "Robert", words),
        )
        _post(client, "/lots/", site="demo", nombre=8, duree_initiale=3600, notes=words)
        for first, _ in people[:2]:
            _post(client, "/attente/", site="demo", duree=1800, prenom=first)
        soon = datetime.now(UTC) + timedelta(days=1)
        span = {"debut": soon.isoformat(), "fin": (soon + timedelta(hours=1)).isoformat()}
        _post(client, "/reservations/", poste=house.slugs[0], nom=words, notes=words, **span)
        _post(
            client,
            "/requisitions/",
            reference=words,
            depuis="2026-01-01T00:00:00Z",
            jusqu_a="2026-01-02T00:00:00Z",
            site="demo",
        )
        if len(house.slugs) > 6:
            house.does(house.slugs[6], lambda one: one.crash())
        _post(client, f"/postes/{house.slugs[4]}/commands/", op="message", texte=words)
    house.does(house.slugs[2], lambda one: one.ask_time(900))
    with house.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
    return Life(ids[0], seated[0])


def ended(
    site: int, poste: int, begun: datetime, minutes: int, person: int | None, reason: str
) -> dict[str, Any]:
    """The row of a session of the past, whose visitor waited two minutes."""
    return {
        "site_id": site,
        "poste_id": poste,
        "utilisateur_id": person,
        "statut": "expiree" if reason == "duree_ecoulee" else "terminee",
        "motif_fin": reason,
        "duree_initiale_ms": minutes * 60_000,
        "restant_ms": 0,
        "debut_session": begun,
        "fin_session": begun + timedelta(minutes=minutes),
        "created_at": begun - timedelta(minutes=2),
        "updated_at": begun,
    }


def remember(house: House, weeks: int, today: date) -> None:
    """What happened in the weeks before: a place that is busy on Wednesdays and Saturdays, and after four o'clock."""
    drawn = random.Random(974)
    with house.fleet.database.transaction() as tx:
        site = tx.execute(select(tables.site.c.id)).scalar_one()
        postes = list(tx.execute(select(tables.poste.c.id).order_by(tables.poste.c.id)).scalars())
        people = [*tx.execute(select(tables.utilisateur.c.id)).scalars(), None, None]
        rows = []
        for back in range(1, weeks * 7):
            day = today - timedelta(days=back)
            for poste in postes if day.weekday() in (2, 5) else postes[: len(postes) // 2]:
                for hour in (9, 11, 14, 16, 17):
                    if day.weekday() == 6 or drawn.random() > (0.8 if hour > 15 else 0.4):
                        continue
                    begun = datetime(day.year, day.month, day.day, hour - 4, drawn.randrange(50), tzinfo=UTC)
                    reason = drawn.choice(("duree_ecoulee", "duree_ecoulee", "fin_visiteur", "operateur"))
                    minutes = drawn.choice((15, 30, 45, 60, 60, 90))
                    rows.append(ended(site, poste, begun, minutes, drawn.choice(people), reason))
        tx.execute(insert(tables.session), rows)


def _post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body or None)
    assert answer.is_success, f"{path}: {answer.text}"
    return dict(answer.json()) if answer.content else {}


def _person(client: httpx.Client, first: str, last: str, words: str) -> int:
    more = {"categorie": "adulte", "date_naissance": "1988-04-02", "notes": words}
    return int(_post(client, "/utilisateurs/", prenom=first, nom=last, consentement_rgpd=True, **more)["id"])


def _seated(house: House, client: httpx.Client, slug: str, seconds: int, person: int) -> int:
    made = _post(client, "/sessions/", poste=slug, duree_initiale=seconds, utilisateur=person)
    house.does(slug, lambda one: one.type_code(made["code_acces"]))
    wait_until(lambda: house.poste(slug).phase == "active", what=f"{slug} open")
    return int(made["id"])
