"""Every kind of error has the one shape: a problem with a stable type, French words and the field."""

from typing import Any

import pytest
from sqlalchemy import insert

from fleet.database.tables import utilisateur
from fleet.usecases import session_views
from fleet.usecases.fleet import Fleet
from tests.api.conftest import Desk

KEYS = {"type", "title", "status", "detail", "reason"}


def _problem(answer: Any, status: int, reason: str) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    said = answer.json()
    assert said.keys() >= KEYS
    assert (said["status"], said["reason"], said["type"]) == (status, reason, f"/problemes/{reason}")
    return said


def test_no_token_or_a_wrong_one_is_401_with_a_challenge(desk: Desk) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
        answer = desk.client.get("/api/sessions/", headers=headers)
        _problem(answer, 401, "jeton_refuse")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_nobody_learns_of_fields_without_a_token(desk: Desk) -> None:
    _problem(desk.call("POST", "/sessions/", who=None, content=b"{"), 401, "jeton_refuse")


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"duree_initiale": "3600", "poste": "poste-1"}, "duree_initiale", "valeur_invalide"),
        ({"duree_initiale": -5, "poste": "poste-1"}, "duree_initiale", "valeur_invalide"),
        ({"duree_initiale": 3600.5, "poste": "poste-1"}, "duree_initiale", "valeur_invalide"),
        ({"duree_initiale": True, "poste": "poste-1"}, "duree_initiale", "valeur_invalide"),
        ({"duree_initiale": 3600, "code": "ABC234"}, "code", "champ_inconnu"),
        ({"poste": "poste-1"}, "duree_initiale", "champ_obligatoire"),
        ({"duree_initiale": 10, "poste": "poste-1"}, "duree_initiale", "duree_invalide"),
    ],
)
def test_a_wrong_body_is_422_and_names_the_field(desk: Desk, body: Any, field: str, reason: str) -> None:
    said = _problem(desk.call("POST", "/sessions/", json=body), 422, reason)
    assert said["field"] == field


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_400(desk: Desk, body: bytes) -> None:
    _problem(desk.call("POST", "/sessions/", content=body), 400, "corps_illisible")


def test_nesting_without_end_is_400(desk: Desk) -> None:
    deep = b'{"politique": {"x": ' + b"[" * 100_000
    _problem(desk.call("PUT", "/sites/st-denis/", who="admin", content=deep), 400, "corps_illisible")


def test_a_body_that_is_too_large_is_413(desk: Desk) -> None:
    _problem(desk.call("POST", "/sessions/", content=b"x" * 1_100_000), 413, "trop_grand")


def test_a_wrong_parameter_is_422_and_names_it(desk: Desk) -> None:
    for query, field in (("limit=0", "limit"), ("limit=many", "limit"), ("depuis=hier", "depuis")):
        said = _problem(desk.call("GET", f"/sessions/?{query}"), 422, "valeur_invalide")
        assert said["field"] == field


@pytest.mark.parametrize(
    "path",
    ["/sessions/999/", "/sessions/99999999999999999999/", "/sessions/abc/", "/postes/nowhere/", "/nothing/"],
)
def test_what_does_not_exist_is_404(desk: Desk, path: str) -> None:
    _problem(desk.call("GET", path), 404, "introuvable")


def test_a_method_that_is_not_there_is_405(desk: Desk) -> None:
    answer = desk.call("PATCH", "/sessions/")
    _problem(answer, 405, "methode_refusee")
    assert "GET" in answer.headers["allow"]


def test_a_rule_that_says_no_is_409_with_its_sentence(desk: Desk) -> None:
    number = desk.session()["id"]
    said = _problem(desk.call("POST", f"/sessions/{number}/suspend/"), 409, "transition_interdite")
    assert said["detail"] == "Impossible\u202f: la session est en attente."


def test_a_bug_is_500_and_tells_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(session_views, "one", broken)
    answer = desk.call("GET", "/sessions/1/")
    _problem(answer, 500, "erreur_interne")
    assert "secret" not in answer.text
    assert "request_failed" in caplog.text


def test_a_fault_of_the_database_is_logged_by_its_kind_without_names(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(fleet: Fleet, *_: object) -> None:
        with fleet.database.transaction() as tx:
            who = {"nom": "Payet", "prenom": None, "email": "marie@exemple.re"}
            tx.execute(insert(utilisateur).values(**who, created_at=tx.now, updated_at=tx.now))

    monkeypatch.setattr(session_views, "one", broken)
    _problem(desk.call("GET", "/sessions/1/"), 500, "erreur_interne")
    (record,) = [one for one in caplog.records if one.getMessage() == "request_failed"]
    said = str(vars(record)) + caplog.text
    assert "IntegrityError" in said
    assert ("23502" in said) is desk.fleet.database.is_postgresql
    assert "Payet" not in said
    assert "exemple.re" not in said


@pytest.mark.parametrize("path", ["/postes/%00/", "/postes/a%00b/session_active/", "/sessions/%00"])
def test_a_nul_in_an_address_is_404(desk: Desk, path: str) -> None:
    _problem(desk.call("GET", path), 404, "introuvable")


@pytest.mark.parametrize(
    ("path", "field"), [("/sessions/?recherche=%00", "recherche"), ("/logs/?limit=5&action=a%00", "action")]
)
def test_a_nul_in_a_parameter_is_422(desk: Desk, path: str, field: str) -> None:
    assert _problem(desk.call("GET", path), 422, "valeur_invalide")["field"] == field


def test_a_nul_in_a_body_is_422_and_the_word_for_it_is_not(desk: Desk) -> None:
    asked = {"duree_initiale": 3600, "poste": "poste-1", "notes": "a\0"}
    _problem(desk.call("POST", "/sessions/", json=asked), 422, "valeur_invalide")
    login = {"login": "a\0b", "password": "x"}
    _problem(desk.client.post("/api/token/", json=login), 422, "valeur_invalide")
    assert desk.session(notes=r"a\u0000")["notes"] == r"a\u0000"


def test_passwords_and_tokens_are_never_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    desk.client.post("/api/token/", json={"login": "desk", "password": "not the one!!"})
    desk.client.post("/api/token/", json={"login": "desk", "passw0rd": "nearly there"})
    token = desk.token("desk")
    desk.get("/sessions/")
    for secret in ("not the one!!", "nearly there", token):
        assert secret not in caplog.text


def test_the_document_of_the_api_is_served_to_anybody(desk: Desk) -> None:
    document = desk.client.get("/api/docs/openapi.json")
    assert document.status_code == 200
    assert "/api/sessions/{session_id}/add_time" in document.json()["paths"]
