"""Moving a running session to another poste, over HTTP."""

import pytest

from tests.api.conftest import Desk


@pytest.fixture
def running(desk: Desk) -> int:
    """A session that runs at poste-1, with poste-2 free beside it."""
    for poste in ("poste-1", "poste-2"):
        desk.come(desk.get(f"/postes/{poste}/")["id"])
    number = int(desk.session()["id"])
    desk.post(f"/sessions/{number}/start/")
    return number


def test_a_session_goes_on_at_another_poste(desk: Desk, running: int) -> None:
    moved = desk.post(f"/sessions/{running}/transfer/", {"poste": "poste-2"})
    assert (moved["poste"], moved["statut"], moved["temps_restant"]) == ("poste-2", "active", 3600)
    assert desk.call("GET", "/postes/poste-1/session_active/").status_code == 404
    assert desk.get("/postes/poste-2/session_active/")["id"] == running
    (line,) = desk.get("/logs/?action=transfert_session")["resultats"]
    assert (line["operateur"], line["metadata"]["de"], line["metadata"]["vers"]) == (
        "desk",
        "poste-1",
        "poste-2",
    )


def test_a_refusal_says_why_and_changes_nothing(desk: Desk, running: int) -> None:
    other = desk.session(poste="poste-2")["id"]
    answer = desk.call("POST", f"/sessions/{running}/transfer/", json={"poste": "poste-2"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "poste_deja_reserve")
    desk.post(f"/sessions/{other}/start/")
    answer = desk.call("POST", f"/sessions/{running}/transfer/", json={"poste": "poste-2"})
    assert answer.json()["detail"] == "Ce poste est déjà occupé."
    assert desk.get(f"/sessions/{running}/")["poste"] == "poste-1"
    for body in ({}, {"poste": None}, {"poste": "poste-2", "x": 1}, {"poste": 1.5}):
        assert desk.call("POST", f"/sessions/{running}/transfer/", json=body).status_code == 422, body
    assert desk.call("POST", f"/sessions/{running}/transfer/", json={"poste": "nowhere"}).status_code == 404
    assert desk.call("POST", "/sessions/999/transfer/", json={"poste": "poste-2"}).status_code == 404
    denied = desk.call("POST", f"/sessions/{running}/transfer/", who="reader", json={"poste": "poste-2"})
    assert denied.status_code == 403


def test_two_sessions_change_places(desk: Desk, running: int) -> None:
    other = desk.session(poste="poste-2", duree_initiale=1800)["id"]
    desk.post(f"/sessions/{other}/start/")
    assert desk.post(f"/sessions/{running}/swap/", {"session": other})["poste"] == "poste-2"
    assert desk.get(f"/sessions/{other}/")["poste"] == "poste-1"
    assert desk.call("POST", f"/sessions/{running}/swap/", json={"session": running}).status_code == 409
