"""What the desk does to repair, to answer, and to many at once, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from fleet.database import tables
from tests.api.conftest import Desk, count


@pytest.fixture
def running(desk: Desk) -> int:
    """A session that runs at poste-1; poste-2 is absent."""
    desk.come(desk.get("/postes/poste-1/")["id"])
    number = int(desk.session()["id"])
    desk.post(f"/sessions/{number}/start/")
    return number


def _ask(desk: Desk, session: int, seconds: int = 900, alive_s: int = 300) -> int:
    with desk.fleet.database.transaction() as tx:
        values = {
            "site_id": desk.site_id, "session_id": session, "secondes": seconds, "request_id": f"q{alive_s}",
            "nonce": "n", "expire_a": tx.now + timedelta(seconds=alive_s), "created_at": tx.now,
        }  # fmt: skip
        made = tx.execute(insert(tables.extension).values(**values).returning(tables.extension.c.id))
        return int(made.scalar_one())


def test_an_ending_is_undone_and_the_wiped_poste_is_said_plainly(desk: Desk, running: int) -> None:
    desk.post(f"/sessions/{running}/terminate/")
    undone = desk.post(f"/sessions/{running}/undo/")
    assert (undone["statut"], undone["temps_restant"], undone["poste_nettoye"]) == ("suspendue", 3600, None)
    assert "nettoyé" in undone["avertissement"]
    again = desk.call("POST", f"/sessions/{running}/undo/")
    assert (again.status_code, again.json()["reason"]) == (409, "transition_interdite")
    assert desk.call("POST", f"/sessions/{running}/undo/", who="reader").status_code == 403
    waits = desk.call("POST", f"/sessions/{running}/resume/")
    assert (waits.status_code, waits.json()["reason"]) == (409, "poste_en_nettoyage")


def test_the_story_of_a_session_is_told_in_french_with_its_reasons(desk: Desk, running: int) -> None:
    desk.post(f"/sessions/{running}/add_time/", {"seconds": 900})
    desk.call("POST", f"/sessions/{running}/add_time/", json={"seconds": 86_400})
    desk.post(f"/sessions/{running}/suspend/")
    desk.post(f"/sessions/{running}/terminate/")
    desk.post(f"/sessions/{running}/undo/")
    told = desk.get(f"/sessions/{running}/timeline/", who="reader")
    assert told["session"] == running
    assert [one["texte"] for one in told["evenements"]] == [
        "Code créé pour 1\u00a0h.",
        "Session démarrée à l’accueil.",
        "15\u00a0min ajoutées.",
        "Refusé\u202f: ajouter du temps.",
        "Session mise en pause.",
        "Session terminée.",
        "La fin de la session est annulée\u202f: elle est en pause, le poste revient nettoyé.",
    ]
    assert {one["qui"] for one in told["evenements"]} == {"desk"}
    refused = told["evenements"][3]
    assert refused["motif"] == "duree_maximale"
    assert refused["motif_texte"] == "Une session dure au plus 240\u00a0min."
    assert desk.call("GET", "/sessions/999/timeline/").status_code == 404


def test_a_session_tells_its_story_in_the_language_that_is_asked_for(desk: Desk, running: int) -> None:
    desk.post(f"/sessions/{running}/add_time/", {"seconds": -60})
    made = desk.post("/sessions/", {"site": "st-denis", "duree_initiale": 600})["id"]
    desk.call("PUT", f"/sessions/{made}/", json={"duree_initiale": 1200, "notes": "casque"})
    desk.call("PUT", f"/sessions/{made}/", json={"notes": "rendu"}, who="reader")
    desk.come(desk.get("/postes/poste-2/")["id"])
    desk.post(f"/sessions/{running}/transfer/", {"poste": "poste-2"})
    english = {"Accept-Language": "en"}
    told = {
        number: desk.call("GET", f"/sessions/{number}/timeline/", headers=english).json()["evenements"]
        for number in (running, made)
    }
    assert [one["texte"] for one in told[running]] == [
        "Code made for 1\u00a0h.",
        "Session started from the desk.",
        "1\u00a0min taken away.",
        "The session goes on at Poste 2 instead of Poste 1.",
    ]
    assert [one["texte"] for one in told[made]] == [
        "Code made for 10\u00a0min.",
        "Session changed: length, notes.",
        "Refused: change.",
    ]


def test_requests_for_time_are_listed_granted_and_refused(desk: Desk, running: int) -> None:
    asked = _ask(desk, running)
    (seen,) = desk.get("/demandes/?statut=ouverte&site=st-denis")["resultats"]
    assert (seen["id"], seen["session"], seen["poste"], seen["secondes"]) == (asked, running, "poste-1", 900)
    answered = desk.post(f"/demandes/{asked}/accept/", {"secondes": 300})
    assert (answered["statut"], answered["operateur"]) == ("accordee", "desk")
    assert desk.get(f"/sessions/{running}/")["temps_ajoute"] == 300
    again = desk.call("POST", f"/demandes/{asked}/accept/", json={})
    assert (again.status_code, again.json()["reason"]) == (409, "deja_repondu")
    assert desk.get(f"/sessions/{running}/")["temps_ajoute"] == 300
    no = _ask(desk, running, alive_s=301)
    assert desk.post(f"/demandes/{no}/refuse/")["statut"] == "refusee"
    assert desk.call("POST", f"/demandes/{no}/accept/", json={"secondes": -5}).status_code == 422
    assert desk.call("POST", "/demandes/999/refuse/").status_code == 404


def test_a_request_that_has_died_is_neither_open_nor_granted(desk: Desk, running: int) -> None:
    dead = _ask(desk, running, alive_s=-1)
    assert desk.get("/demandes/?statut=ouverte")["total"] == 0
    assert desk.get(f"/demandes/{dead}/")["statut"] == "perimee"
    for path in ("accept", "refuse"):
        answer = desk.call("POST", f"/demandes/{dead}/{path}/", json={})
        assert (answer.status_code, answer.json()["reason"]) == (409, "deja_repondu")


def _outcomes(answer: dict[str, Any]) -> list[tuple[object, bool, str | None]]:
    return [(one["id"], one["fait"], one["motif"]) for one in answer["resultats"]]


def test_many_postes_at_once_each_with_its_outcome(desk: Desk, running: int) -> None:
    body = {"action": "maintenance", "postes": ["poste-2", "nowhere", "poste-2", "poste-1"]}
    done = desk.post("/postes/bulk/", body)
    assert (done["total"], done["faits"]) == (3, 2)
    assert _outcomes(done) == [
        ("poste-2", True, None),
        ("nowhere", False, "introuvable"),
        ("poste-1", True, None),
    ]
    assert desk.get("/postes/poste-2/")["statut_voulu"] == "maintenance"
    told = desk.post(
        "/postes/bulk/", {"action": "message", "texte": "Bonjour", "postes": ["poste-1", "poste-2"]}
    )
    assert _outcomes(told) == [("poste-1", True, None), ("poste-2", False, "poste_hors_ligne")]
    for wrong in (
        {"action": "message", "postes": ["poste-1"]},
        {"action": "explode", "postes": ["poste-1"]},
        {"action": "lock", "postes": []},
        {"action": "lock", "postes": list(range(1, 203))},
    ):
        assert desk.call("POST", "/postes/bulk/", json=wrong).status_code == 422, wrong
    assert desk.call("POST", "/postes/bulk/", who="reader", json=body).status_code == 403


def test_many_sessions_at_once_each_with_its_outcome(desk: Desk, running: int) -> None:
    waiting = desk.session(poste=None)["id"]
    more = desk.post("/sessions/bulk/", {"action": "add_time", "sessions": [running, 999], "seconds": 600})
    assert _outcomes(more) == [(running, True, None), (999, False, "introuvable")]
    ended = desk.post("/sessions/bulk/", {"action": "terminate", "sessions": [running, waiting]})
    assert ended["faits"] == 2
    again = desk.post("/sessions/bulk/", {"action": "terminate", "sessions": [running]})
    assert again["resultats"][0]["motif_texte"] == "Impossible\u202f: la session est terminée."
    missing = desk.call("POST", "/sessions/bulk/", json={"action": "add_time", "sessions": [waiting]})
    assert (missing.status_code, missing.json()["field"]) == (422, "seconds")


def test_a_message_goes_to_a_whole_site(desk: Desk, running: int) -> None:
    told = desk.post("/sites/st-denis/message/", {"texte": "On ferme dans dix minutes."})
    assert _outcomes(told) == [("poste-1", True, None), ("poste-2", False, "poste_hors_ligne")]
    assert count(desk.fleet, "SELECT count(*) FROM commande WHERE op = 'message'") == 1
    assert desk.call("POST", "/sites/st-denis/message/", json={"texte": ""}).status_code == 422
    assert desk.call("POST", "/sites/nowhere/message/", json={"texte": "x"}).status_code == 404


def test_an_outage_is_credited_for_a_room(desk: Desk, running: int) -> None:
    with desk.fleet.database.transaction() as tx:
        mine = tables.session.c.id == running
        paused = {
            "statut": "suspendue",
            "motif_fin": "redemarrage",
            "restant_ms": 1_000_000,
            "suspendue_depuis": tx.now,
            "confirmer_avant": None,
            "fin_prevue": None,
        }
        tx.execute(update(tables.session).where(mine).values(**paused))
    done = desk.post("/sites/st-denis/credit_panne/", {"secondes": 300})
    assert done["resultats"] == [
        {
            "session": running,
            "poste": "poste-1",
            "credit": 300,
            "reprise": True,
            "motif": None,
            "motif_texte": None,
        }
    ]
    assert desk.get(f"/sessions/{running}/")["temps_restant"] == 1300
    for wrong in ({}, {"secondes": -1}, {"depuis": "2026-01-01T00:00:00Z"}):
        assert desk.call("POST", "/sites/st-denis/credit_panne/", json=wrong).status_code == 422, wrong
    far = {"depuis": "2026-01-02T00:00:00Z", "jusqu_a": "2026-01-01T00:00:00Z"}
    assert desk.call("POST", "/sites/st-denis/credit_panne/", json=far).json()["field"] == "jusqu_a"
