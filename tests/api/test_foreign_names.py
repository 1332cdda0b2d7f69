"""What a filter answers tells nobody which sites and postes others have."""

from typing import Any

import pytest

from fleet.domain.actor import OPERATEUR, SYSTEM
from fleet.usecases import operateurs, sites
from fleet.usecases.operateurs import NewOperateur
from tests.api.conftest import PASSWORD, Desk
from tests.api.test_personal_data import picture

BY_SITE = (
    "/sessions/", "/sessions/actives/", "/sessions/stats/", "/postes/", "/postes/disponibles/", "/postes/stats/",
    "/utilisateurs/", "/utilisateurs/stats/", "/logs/", "/logs/stats/", "/attente/", "/reservations/", "/demandes/",
    "/commandes/", "/lots/", "/exports/sessions/", "/exports/postes/", "/exports/logs/",
)  # fmt: skip
BY_POSTE = ("/sessions/", "/logs/", "/reservations/", "/commandes/")
ASKED = [
    *((path, "site", "st-denis") for path in BY_SITE),
    *((path, "poste", "poste-1") for path in BY_POSTE),
]


def said(desk: Desk, who: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
    answer = desk.call(method, path, who, **more)
    told = answer.json() if answer.headers["content-type"].endswith("json") else {}
    return answer.status_code, {key: value for key, value in told.items() if key != "request_id"}


@pytest.fixture
def far(desk: Desk) -> str:
    """An operator of another site."""
    elsewhere = sites.create(desk.fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    operateurs.create(desk.fleet, SYSTEM, NewOperateur("far", PASSWORD, OPERATEUR, [elsewhere]))
    return "far"


def test_a_filter_answers_a_foreign_name_as_one_that_nothing_has(desk: Desk, far: str) -> None:
    desk.get("/sessions/?poste=poste-1&site=st-denis")  # so that both names are known to the API
    for path, name, foreign in ASKED:
        unknown = said(desk, far, "GET", path, params={name: "nowhere"})
        assert unknown[0] == 404, (path, name)
        assert said(desk, far, "GET", path, params={name: foreign}) == unknown, (path, name)
        assert said(desk, "desk", "GET", path, params={name: foreign})[0] == 200, (path, name)
    search = [said(desk, far, "POST", "/logs/search/", json={"site": one}) for one in ("nowhere", "st-denis")]
    assert search[0] == search[1]
    assert search[0][0] == 404


def test_a_foreign_name_in_a_filter_has_its_line_in_the_trail_of_that_site(
    desk: Desk, far: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.usecases.fleet.FLOOD_S", 0.0)
    for path, name, foreign in ASKED:
        desk.call("GET", path, far, params={name: foreign})
        desk.call("GET", path, far, params={name: "nowhere"})
    told = desk.get("/logs/?action=refus&limit=100", who="admin")["resultats"]
    assert [(one["site"], one["operateur"], one["metadata"]["motif"]) for one in told] == [
        ("st-denis", "far", "hors_de_portee")
    ] * len(ASKED)


def test_a_filter_answers_a_foreign_number_as_one_that_nothing_has(desk: Desk, far: str) -> None:
    for name, number in (("site", desk.site_id), ("poste", 1)):
        foreign, unknown = (
            said(desk, far, "GET", "/sessions/", params={name: one}) for one in (number, 9999)
        )
        assert foreign == unknown, name


def test_a_person_is_read_and_written_by_the_rules_of_no_foreign_site(desk: Desk, far: str) -> None:
    number = desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "H", "consentement_rgpd": True})["id"]
    new = {"nom": "Hoarau", "prenom": "J"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/utilisateurs/", {"json": new}),
        ("GET", f"/utilisateurs/{number}/", {}),
        ("PUT", f"/utilisateurs/{number}/", {"json": new}),
        ("PUT", f"/utilisateurs/{number}/photo/", {"files": {"data": ("p.jpg", picture())}}),
        ("GET", f"/utilisateurs/{number}/sessions/", {}),
        ("GET", f"/utilisateurs/{number}/can_create_session/", {}),
    ]
    for method, path, more in calls:
        unknown, foreign = (
            said(desk, far, method, path, params={"site": one}, **more) for one in ("nowhere", "st-denis")
        )
        assert (unknown[0], foreign) == (404, unknown), path
