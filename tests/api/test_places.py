"""The texts of a site in all their versions, its room plan, and what its rules may be, over HTTP."""

from dataclasses import fields

import pytest

from fleet.domain.actor import SYSTEM
from fleet.domain.policy import Policy
from fleet.usecases import postes, sites
from fleet.usecases.postes import NewPoste
from tests.api.conftest import Desk


def test_every_version_of_a_text_can_be_read_again(desk: Desk) -> None:
    for notice in ("Première", "Deuxième", "Deuxième"):
        assert desk.call("PUT", "/sites/st-denis/", who="admin", json={"notice": notice}).status_code == 200
    told = desk.get("/sites/st-denis/textes/", who="reader")["resultats"]
    assert [(one["genre"], one["version"], one["texte"], one["operateur"]) for one in told] == [
        ("notice", 3, "Deuxième", "admin"),
        ("notice", 2, "Première", "admin"),
        ("notice", 1, "", None),
        ("charte", 1, "", None),
    ]
    assert desk.get("/sites/st-denis/")["notice_version"] == 3
    assert desk.get("/sites/st-denis/textes/notice/2/")["texte"] == "Première"
    for missing in ("/sites/st-denis/textes/notice/9/", "/sites/nowhere/textes/"):
        assert desk.call("GET", missing).status_code == 404


def test_postes_are_placed_all_or_none(desk: Desk) -> None:
    two = {
        "postes": [
            {"poste": "poste-1", "plan_x": 1.5, "plan_y": 2},
            {"poste": "poste-2", "plan_x": 0, "plan_y": 0},
        ]
    }
    placed = desk.call("PUT", "/sites/st-denis/plan/", who="admin", json=two)
    assert [(one["poste"], one["plan_x"], one["plan_y"]) for one in placed.json()["postes"]] == [
        ("poste-1", 1.5, 2), ("poste-2", 0, 0),
    ]  # fmt: skip
    other = sites.create(desk.fleet, SYSTEM, "le-port", {"nom": "Le Port"})
    postes.create(desk.fleet, SYSTEM, NewPoste(other, "port-1", "P1"))
    mixed = {
        "postes": [
            {"poste": "poste-1", "plan_x": 9, "plan_y": 9},
            {"poste": "port-1", "plan_x": 9, "plan_y": 9},
        ]
    }
    assert desk.call("PUT", "/sites/st-denis/plan/", who="admin", json=mixed).status_code == 404
    assert desk.get("/sites/st-denis/plan/")["postes"][0]["plan_x"] == 1.5
    assert desk.call("PUT", "/sites/st-denis/plan/", json=two).status_code == 403
    nowhere: dict[str, object] = {"postes": []}
    for wrong in (nowhere, {"postes": [{"poste": "poste-1", "plan_x": "left", "plan_y": 0}]}):
        assert desk.call("PUT", "/sites/st-denis/plan/", who="admin", json=wrong).status_code == 422


def test_every_rule_says_what_it_may_be(desk: Desk) -> None:
    told = {one["nom"]: one for one in desk.get("/politiques/", who="reader")["resultats"]}
    assert set(told) == {field.name for field in fields(Policy)}
    assert told["grace_s"]["defaut"] == 60
    assert told["offline"]["choix"] == ["continue", "suspend"]
    for name, one in told.items():
        assert one["sens"].endswith((".", "?", "jamais.")), name


@pytest.mark.parametrize("outside", [0, 10**7])
def test_a_rule_out_of_its_bounds_is_refused(desk: Desk, outside: int) -> None:
    body = {"politique": {"queue_hold_s": outside}}
    answer = desk.call("PUT", "/sites/st-denis/", who="admin", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "politique.queue_hold_s")
