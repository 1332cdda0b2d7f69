"""Who may do what: by role, and by site."""

import pytest

from fleet.domain.actor import SYSTEM
from fleet.usecases import operateurs, postes, sites
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from fleet.usecases.postes import NewPoste
from tests.api.conftest import PASSWORD, Desk

WRITES: list[tuple[str, str, object]] = [
    ("POST", "/sessions/", {"duree_initiale": 600, "poste": "poste-1"}),
    ("PUT", "/sessions/1/", {"notes": "x"}),
    ("DELETE", "/sessions/1/", None),
    ("POST", "/sessions/1/start/", None),
    ("POST", "/sessions/1/add_time/", {"seconds": 60}),
    ("POST", "/sessions/1/terminate/", None),
    ("POST", "/sessions/1/suspend/", None),
    ("POST", "/sessions/1/resume/", None),
    ("POST", "/sessions/1/reprint/", None),
    ("POST", "/utilisateurs/", {"nom": "A", "prenom": "B"}),
    ("POST", "/postes/poste-1/marquer_maintenance/", None),
    ("POST", "/postes/poste-1/commands/", {"op": "identify"}),
]
ADMIN_WRITES: list[tuple[str, str, object]] = [
    ("POST", "/sites/", {"slug": "le-port", "nom": "Le Port"}),
    ("PUT", "/sites/st-denis/", {"nom": "Autre"}),
    ("POST", "/postes/", {"slug": "poste-9", "nom": "P", "site": "st-denis"}),
    ("PUT", "/postes/poste-1/", {"nom": "P"}),
    ("DELETE", "/postes/poste-1/", None),
]

FOREIGN: list[tuple[str, str, object]] = [
    ("GET", "/sessions/1/", None),
    ("GET", "/sites/st-denis/", None),
    ("GET", "/postes/poste-1/", None),
    ("GET", "/postes/poste-1/session_active/", None),
    ("GET", "/sessions/1/time_remaining/", None),
    ("POST", "/sessions/1/add_time/", {"seconds": 60}),
    ("PUT", "/sessions/1/", {"notes": "x"}),
    ("DELETE", "/sessions/1/", None),
    ("POST", "/sessions/1/reprint/", None),
    ("POST", "/sessions/", {"duree_initiale": 600, "site": "st-denis"}),
    ("POST", "/sessions/", {"duree_initiale": 600, "poste": "poste-1"}),
    ("POST", "/sessions/", {"duree_initiale": 600, "poste": "poste-1", "site": "le-tampon"}),
    ("POST", "/postes/poste-1/marquer_maintenance/", None),
    ("POST", "/postes/poste-1/commands/", {"op": "identify"}),
    ("POST", "/sessions/validate_code/", {"code": "ABC234", "poste": "poste-1"}),
]


def test_a_lecteur_writes_nothing(desk: Desk) -> None:
    desk.session()
    for method, path, body in WRITES + ADMIN_WRITES:
        answer = desk.call(method, path, who="reader", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "role_insuffisant"), path


def test_an_operateur_does_not_change_the_place(desk: Desk) -> None:
    for method, path, body in ADMIN_WRITES:
        assert desk.call(method, path, json=body).status_code == 403, path


def test_a_lecteur_reads(desk: Desk) -> None:
    for path in ("/sessions/", "/postes/", "/sites/", "/utilisateurs/", "/logs/", "/postes/stats/"):
        assert desk.call("GET", path, who="reader").status_code == 200


@pytest.fixture
def stranger(desk: Desk) -> Desk:
    """An operator of another site, with a poste of its own."""
    other = sites.create(desk.fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(desk.fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    operateurs.create(desk.fleet, SYSTEM, NewOperateur("stranger", PASSWORD, "operateur", [other]))
    desk.session()
    return desk


def test_what_is_at_another_site_does_not_exist(stranger: Desk) -> None:
    for method, path, body in FOREIGN:
        answer = stranger.call(method, path, who="stranger", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (404, "introuvable"), path


def test_lists_hold_only_what_is_at_ones_own_sites(stranger: Desk) -> None:
    assert stranger.get("/sessions/", who="stranger")["total"] == 0
    assert [one["slug"] for one in stranger.get("/postes/", who="stranger")["resultats"]] == ["tampon-1"]
    assert [one["slug"] for one in stranger.get("/sites/", who="stranger")["resultats"]] == ["le-tampon"]
    logs = stranger.get("/logs/", who="stranger")["resultats"]
    assert {one["site"] for one in logs} == {"le-tampon"}
    assert stranger.get("/sessions/", who="admin")["total"] == 1


def test_rights_that_were_taken_away_bite_at_once_in_this_process(desk: Desk) -> None:
    assert desk.call("GET", "/sessions/").status_code == 200
    number = desk.shared.names.operateur("desk")
    operateurs.edit(desk.fleet, SYSTEM, number, OperateurEdit(active=False))
    desk.until(lambda: desk.call("GET", "/sessions/").status_code == 401)
