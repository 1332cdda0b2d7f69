"""How the deployment is: its state, its metrics, and what a human should look at."""

import secrets
import shutil
from collections import namedtuple
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient
from sqlalchemy import update

from api.app import create_app
from fleet.database import alerts, audit, leases
from fleet.database.tables import presence
from fleet.domain import reasons
from fleet.jobs.health import Health
from fleet.jobs.settings import Backups, JobSettings
from tests.api.conftest import SETTINGS, Desk

TOKEN = secrets.token_urlsafe(32)


def driven(desk: Desk) -> None:
    with desk.fleet.database.transaction() as tx:
        leases.acquire(tx.connection, desk.site_id, "controller-1", tx.now)


def test_the_state_says_who_drives_what_and_what_waits(desk: Desk) -> None:
    driven(desk)
    desk.come(desk.get("/postes/poste-1/")["id"])
    desk.session(poste=None)
    state = desk.get("/system/")
    site = state["sites"][0]
    assert (site["controleur"], site["pilote"], site["postes"], site["postes_en_ligne"]) == (
        "controller-1",
        True,
        2,
        1,
    )
    assert (site["sessions"]["en_attente"], site["a_envoyer"]) == (1, 2)
    assert (state["schema"], state["alertes"]) == (state["schema_attendu"], {})
    assert desk.call("GET", "/system/", "reader").status_code == 403


def test_who_sees_one_site_is_told_of_its_alerts_only(desk: Desk) -> None:
    other = desk.post("/sites/", {"slug": "st-pierre", "nom": "Saint-Pierre"}, who="admin")["id"]
    with desk.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
        alerts.begin(tx, alerts.BROKER, "st-denis", site_id=desk.site_id)
        alerts.begin(tx, alerts.BROKER, "elsewhere", site_id=other)
    assert desk.get("/system/", who="admin")["alertes"] == {alerts.DISK: 1, alerts.BROKER: 2}
    assert desk.get("/system/", who="desk")["alertes"] == {alerts.BROKER: 1}


def test_the_state_says_which_site_has_lost_the_broker(desk: Desk) -> None:
    def lost() -> bool:
        return bool(desk.get("/system/")["sites"][0]["courtier_perdu"])

    poste = desk.get("/postes/poste-1/")["id"]
    desk.come(poste)
    assert not lost()
    silent_since(desk, poste, 0, online=None)
    assert lost()
    silent_since(desk, poste, 0, online=True)
    assert not lost()
    with desk.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.BROKER, "st-denis", site_id=desk.site_id)
    assert lost()
    with desk.fleet.database.transaction() as tx:
        alerts.end(tx, alerts.BROKER, "st-denis")
    assert not lost()


def test_metrics_name_no_one_and_need_a_token(desk: Desk) -> None:
    driven(desk)
    desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Hélène"})
    desk.session()
    assert desk.call("GET", "/metrics/", who=None).status_code == 401
    answer = desk.call("GET", "/metrics/")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    said = answer.text
    assert 'ppm_site_driven{site="st-denis"} 1.0' in said
    assert 'ppm_sessions{site="st-denis",statut="en_attente"} 1.0' in said
    assert "Payet" not in said
    assert "poste-1" not in said
    with TestClient(create_app(desk.fleet, replace(SETTINGS, metrics_token=TOKEN))) as other:
        for token, status in ((TOKEN, 200), (f"{TOKEN}x", 401)):
            answer = other.get("/api/metrics/", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status


def silent_since(desk: Desk, poste: int, minutes: float, online: bool | None = False) -> None:
    with desk.fleet.database.transaction() as tx:
        values = {"online": online, "boot": "b", "since": tx.now - timedelta(minutes=minutes)}
        tx.execute(update(presence).where(presence.c.poste_id == poste).values(**values))


def lasting(desk: Desk) -> list[str]:
    return [one["genre"] for one in desk.get("/alertes/?en_cours=true", who="admin")["resultats"]]


def test_a_poste_that_is_silent_is_an_alert_until_it_is_back(desk: Desk) -> None:
    poste = desk.get("/postes/poste-1/")["id"]
    look = Health(JobSettings())
    silent_since(desk, poste, 5)
    look.look(desk.fleet.database)
    assert lasting(desk) == []
    silent_since(desk, poste, 15)
    look.look(desk.fleet.database)
    look.look(desk.fleet.database)
    alert = desk.get("/alertes/?en_cours=true")["resultats"][0]
    assert (alert["genre"], alert["poste"], "Poste 1" in alert["texte"]) == (alerts.SILENT, "poste-1", True)
    seen = desk.post(f"/alertes/{alert['id']}/acquitter/")
    assert seen["acquittee_par"] == "desk"
    desk.come(poste)
    look.look(desk.fleet.database)
    assert lasting(desk) == []
    assert desk.get("/alertes/?en_cours=false")["total"] == 1


def test_a_lost_broker_is_an_alert_when_two_looks_say_so(desk: Desk) -> None:
    driven(desk)
    for number in (1, 2):
        silent_since(desk, desk.get(f"/postes/poste-{number}/")["id"], 0, online=None)
    look = Health(JobSettings())
    look.look(desk.fleet.database)
    assert lasting(desk) == []
    driven(desk)
    look.look(desk.fleet.database)
    assert lasting(desk) == [alerts.BROKER]
    silent_since(desk, desk.get("/postes/poste-1/")["id"], 0, online=True)
    look.look(desk.fleet.database)
    assert lasting(desk) == []


def test_a_full_disk_is_an_alert(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    look = Health(JobSettings(backups=Backups(tmp_path)))
    for free, expected in ((5, [alerts.DISK]), (50, [])):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(100, 100 - free, free))
        look.look(desk.fleet.database)
        assert lasting(desk) == expected


def test_alerts_of_other_sites_do_not_exist(desk: Desk) -> None:
    with desk.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.DISK, "x", details={"dossier": "x", "libre": 1})
    assert desk.get("/alertes/")["total"] == 0
    number = desk.get("/alertes/", who="admin")["resultats"][0]["id"]
    assert desk.call("POST", f"/alertes/{number}/acquitter/").status_code == 404
    assert desk.call("POST", f"/alertes/{number}/acquitter/", "reader").status_code == 403


def test_alerts_are_listed_by_what_they_are_and_where(desk: Desk) -> None:
    with desk.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
        alerts.begin(tx, alerts.BROKER, "st-denis", site_id=desk.site_id)
        alerts.begin(tx, alerts.JOB, "backup", details={"tache": "backup"})
        alerts.end(tx, alerts.JOB, "backup")
    seen = desk.get("/alertes/", params={"genre": alerts.BROKER})["resultats"][0]
    desk.post(f"/alertes/{seen['id']}/acquitter/")
    expected = {
        "": [alerts.JOB, alerts.BROKER, alerts.DISK],
        "en_cours=true": [alerts.BROKER, alerts.DISK],
        "acquittee=true": [alerts.BROKER],
        "en_cours=true&acquittee=false": [alerts.DISK],
        "site=st-denis": [alerts.BROKER],
        f"genre={alerts.DISK},{alerts.JOB}": [alerts.JOB, alerts.DISK],
    }
    for query, kinds in expected.items():
        found = desk.get(f"/alertes/?{query}", who="admin")["resultats"]
        assert [one["genre"] for one in found] == kinds, query


def test_the_anchors_are_what_the_command_line_verifies_by(desk: Desk) -> None:
    desk.session()
    told = desk.get("/ancres/", who="admin")["resultats"]
    with desk.fleet.database.read() as tx:
        anchors = audit.anchors(tx.connection)
        assert not list(audit.denied(tx.connection, anchors))
    assert [(one["chaine"], one["numero"], one["hash"]) for one in told] == [
        (one.chain, one.numero, one.hash) for one in anchors
    ]
    assert [one["site"] for one in told] == [None, "st-denis"]
    assert desk.call("GET", "/ancres/", "desk").status_code == 403


def test_every_reason_has_a_few_words_in_both_languages(desk: Desk) -> None:
    found = {one["code"]: one for one in desk.get("/motifs/", who="reader")["resultats"]}
    assert reasons.REASONS.keys() <= found.keys()
    assert found["fin_visiteur"] == {
        "code": "fin_visiteur",
        "fr": "Terminée par le visiteur",
        "en": "Ended by the visitor",
    }
    assert found["poste_occupe"]["en"] == "This computer is already in use"
    for one in found.values():
        assert one["fr"], one
        assert one["en"], one
        assert "{" not in one["fr"] + one["en"]
