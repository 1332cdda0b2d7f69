"""Rights by site, and rights that are taken away. Every operation by itself is in `test_matrix`."""

import pytest

from fleet.domain.actor import SYSTEM
from fleet.usecases import operateurs, postes, sites
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from fleet.usecases.postes import NewPoste
from tests.api.conftest import PASSWORD, Desk


@pytest.fixture
def stranger(desk: Desk) -> Desk:
    """An operator of another site, with a poste of its own."""
    other = sites.create(desk.fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(desk.fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    operateurs.create(desk.fleet, SYSTEM, NewOperateur("stranger", PASSWORD, "operateur", [other]))
    desk.session()
    return desk


def test_lists_hold_only_what_is_at_ones_own_sites(stranger: Desk) -> None:
    assert stranger.get("/sessions/", who="stranger")["total"] == 0
    assert [one["slug"] for one in stranger.get("/postes/", who="stranger")["resultats"]] == ["tampon-1"]
    assert [one["slug"] for one in stranger.get("/sites/", who="stranger")["resultats"]] == ["le-tampon"]
    logs = stranger.get("/logs/", who="stranger")["resultats"]
    assert {one["site"] for one in logs} == {"le-tampon"}
    assert stranger.get("/sessions/", who="admin")["total"] == 1


@pytest.mark.parametrize("site", [{}, {"site": "le-tampon"}])
def test_nobody_makes_a_session_at_a_poste_of_another_site(stranger: Desk, site: dict[str, str]) -> None:
    body = {"duree_initiale": 600, "poste": "poste-1", **site}
    answer = stranger.call("POST", "/sessions/", who="stranger", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (404, "introuvable")


def test_rights_that_were_taken_away_bite_at_once_in_this_process(desk: Desk) -> None:
    assert desk.call("GET", "/sessions/").status_code == 200
    number = desk.shared.names.operateur("desk")
    operateurs.edit(desk.fleet, SYSTEM, number, OperateurEdit(active=False))
    desk.until(lambda: desk.call("GET", "/sessions/").status_code == 401)
