"""Members of staff: kept by administrateurs, who cannot all go; and one's own account."""

from typing import Any

import pytest

from fleet.domain.actor import SYSTEM
from fleet.domain.errors import Refused
from fleet.usecases import operateurs
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from tests.api.conftest import PASSWORD, Desk, count
from tests.support.at_once import at_once

NEW = {"login": "Marie.Payet", "mot_de_passe": "a good password", "role": "operateur", "sites": ["st-denis"]}


def _admin(desk: Desk, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
    answer = desk.call(method, path, who="admin", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json() if answer.content else None


def test_an_administrateur_keeps_the_accounts(desk: Desk) -> None:
    made = _admin(desk, "POST", "/operateurs/", NEW, 201)
    assert (made["login"], made["sites"], made["actif"], made["totp"]) == (
        "marie.payet",
        ["st-denis"],
        True,
        False,
    )
    assert "mot_de_passe" not in made
    path = f"/operateurs/{made['id']}/"
    edited = _admin(desk, "PUT", path, {"role": "lecteur", "sites": []})
    assert (edited["role"], edited["sites"]) == ("lecteur", [])
    assert _admin(desk, "GET", path) == edited
    assert made["id"] in [one["id"] for one in _admin(desk, "GET", "/operateurs/")["resultats"]]
    _admin(desk, "DELETE", path, expected=204)
    assert _admin(desk, "GET", path)["actif"] is False
    answer = desk.client.post("/api/token/", json={"login": "marie.payet", "password": "a good password"})
    assert answer.status_code == 401
    assert _admin(desk, "PUT", path, {"actif": True})["actif"] is True
    _admin(desk, "GET", "/operateurs/999/", expected=404)
    _admin(desk, "DELETE", "/operateurs/999/", expected=404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**NEW, "mot_de_passe": "short"}, "mot_de_passe"),
        ({**NEW, "login": "DESK"}, "login"),
        ({**NEW, "login": "a b"}, "login"),
        ({**NEW, "role": "king"}, "role"),
        ({**NEW, "sites": ["nowhere"]}, "sites"),
        ({**NEW, "actif": True}, "actif"),
    ],
)
def test_a_bad_account_is_refused_by_its_field(desk: Desk, body: Any, field: str) -> None:
    before = count(desk.fleet, "SELECT count(*) FROM operateur")
    answer = desk.call("POST", "/operateurs/", who="admin", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert count(desk.fleet, "SELECT count(*) FROM operateur") == before


@pytest.mark.parametrize(
    ("method", "body"), [("DELETE", None), ("PUT", {"actif": False}), ("PUT", {"role": "operateur"})]
)
def test_the_last_active_administrateur_stays(desk: Desk, method: str, body: Any) -> None:
    mine = _admin(desk, "GET", "/auth/me/")["id"]
    operateurs.create(desk.fleet, SYSTEM, NewOperateur("gone", PASSWORD, "administrateur"))
    gone = desk.shared.names.operateur("gone")
    operateurs.edit(desk.fleet, SYSTEM, gone, OperateurEdit(active=False))
    answer = desk.call(method, f"/operateurs/{mine}/", who="admin", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (409, "dernier_administrateur")
    operateurs.edit(desk.fleet, SYSTEM, gone, OperateurEdit(active=True))
    assert desk.call(method, f"/operateurs/{mine}/", who="admin", json=body).status_code in (200, 204)


def test_administrateurs_who_remove_each_other_at_once_leave_one(desk: Desk) -> None:
    others = [
        operateurs.create(desk.fleet, SYSTEM, NewOperateur(f"chief-{n}", PASSWORD, "administrateur"))
        for n in range(5)
    ]
    everyone = [desk.shared.names.operateur("admin"), *others]

    def remove(which: int) -> str:
        try:
            operateurs.edit(desk.fleet, SYSTEM, everyone[which], OperateurEdit(active=False))
        except Refused as refused:
            return refused.reason
        return "done"

    assert sorted(at_once(len(everyone), remove)) == ["dernier_administrateur"] + ["done"] * 5


def test_everybody_sees_their_own_account(desk: Desk) -> None:
    for who, role in (("desk", "operateur"), ("reader", "lecteur"), ("admin", "administrateur")):
        seen = desk.get("/auth/me/", who=who)
        assert (seen["login"], seen["role"], seen["sites"]) == (who, role, ["st-denis"])


def test_ones_own_password_is_changed_by_who_knows_it_and_ends_every_login(desk: Desk) -> None:
    pair = desk.client.post("/api/token/", json={"login": "desk", "password": PASSWORD}).json()
    body = {"actuel": "not this one", "nouveau": "a fresh password"}
    answer = desk.call("POST", "/auth/password/", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "actuel")
    assert desk.call("POST", "/auth/password/", json=body | {"actuel": PASSWORD}).status_code == 204
    assert desk.client.post("/api/token/refresh/", json={"refresh": pair["refresh"]}).status_code == 401
    desk.until(lambda: desk.call("GET", "/auth/me/").status_code == 401)
    again = {"login": "desk", "password": "a fresh password"}
    assert desk.client.post("/api/token/", json=again).status_code == 200


def test_a_stolen_token_is_not_enough_to_guess_the_password(desk: Desk) -> None:
    body = {"actuel": "not this one", "nouveau": "a fresh password"}
    answers = [desk.call("POST", "/auth/password/", json=body).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert desk.call("POST", "/auth/password/", json=body | {"actuel": PASSWORD}).status_code == 429


def test_revoking_ends_access_tokens_too(desk: Desk) -> None:
    assert desk.call("POST", "/auth/revoke_all/").status_code == 204
    desk.until(lambda: desk.call("GET", "/auth/me/").status_code == 401)
    number = desk.shared.names.operateur("reader")
    assert desk.call("GET", "/auth/me/", who="reader").status_code == 200
    assert desk.call("POST", f"/operateurs/{number}/revoke_all/", who="admin").status_code == 204
    desk.until(lambda: desk.call("GET", "/auth/me/", who="reader").status_code == 401)
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'revocation_jetons'") == 2


def test_nobody_but_an_administrateur_ends_anothers_login(desk: Desk) -> None:
    number = desk.shared.names.operateur("admin")
    assert desk.call("POST", f"/operateurs/{number}/revoke_all/").status_code == 403
    assert desk.call("GET", "/auth/me/", who="admin").status_code == 200
