"""In which language people are answered."""

import pytest

from api.speech import first
from tests.api.conftest import Desk

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "fr"),
        ("*", "fr"),
        ("de", "fr"),
        ("en", "en"),
        ("en-US,en;q=0.9,fr;q=0.8", "en"),
        ("fr;q=0.9,en;q=0.2", "fr"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("en;q=beaucoup", "fr"),
    ],
)
def test_it_is_the_first_that_is_accepted_of_those_there_are(accepted: str, language: str) -> None:
    assert first(accepted) == language


def test_a_refusal_and_a_reason_are_said_in_it_and_in_french_to_everybody_else(desk: Desk) -> None:
    number = desk.session()["id"]
    asked = f"/sessions/{number}/suspend/"
    english, french = desk.call("POST", asked, headers=ENGLISH), desk.call("POST", asked)
    assert (english.status_code, french.status_code) == (409, 409)
    assert english.json()["detail"] == "Not possible: the session has not begun."
    assert french.json()["detail"] == "Impossible\u202f: la session est en attente."
    desk.call("DELETE", f"/sessions/{number}/")
    seen = [
        desk.call("GET", f"/sessions/{number}/", headers=said).json()["motif_texte"] for said in (ENGLISH, {})
    ]
    assert seen[0] != seen[1]
    body = {"site": "st-denis", "duree_initiale": "longue"}
    wrong = desk.call("POST", "/sessions/", headers=ENGLISH, json=body).json()
    assert "whole number" in wrong["detail"]


def test_what_is_kept_is_kept_in_french(desk: Desk) -> None:
    number = desk.session()["id"]
    desk.call("POST", f"/sessions/{number}/suspend/", headers=ENGLISH)
    line = desk.get("/logs/?action=refus", who="admin")["resultats"][0]
    assert "Impossible" in line["metadata"]["phrase"]
