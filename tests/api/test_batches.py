"""Many anonymous codes at once, over HTTP."""

from tests.api.conftest import Desk, count

BODY = {"site": "st-denis", "nombre": 12, "duree_initiale": 1800, "validite": 3600, "notes": "atelier"}


def test_a_batch_is_made_printed_again_and_cancelled(desk: Desk) -> None:
    made = desk.post("/lots/", BODY)
    codes = {one["code_acces"] for one in made["codes"]}
    assert (len(codes), made["nombre"], made["en_attente"], made["utilisees"]) == (12, 12, 12, 0)
    desk.come(desk.get("/postes/poste-1/")["id"])
    first = made["codes"][0]["session"]
    desk.call("PUT", f"/sessions/{first}/", json={"poste": "poste-1"})
    desk.post(f"/sessions/{first}/start/")
    again = desk.post(f"/lots/{made['id']}/reprint/")
    assert {one["code_acces"] for one in again["codes"]} == codes - {made["codes"][0]["code_acces"]}
    assert desk.get("/logs/?action=reimpression_code")["resultats"][0]["metadata"]["lot"] == made["id"]
    over = desk.post(f"/lots/{made['id']}/cancel/")
    assert (over["en_attente"], over["utilisees"]) == (0, 1)
    assert desk.get(f"/sessions/{first}/")["statut"] == "active"
    assert count(desk.fleet, "SELECT count(*) FROM session WHERE motif_fin = 'annulation'") == 11
    assert desk.get("/lots/?site=st-denis")["total"] == 1
    assert len(desk.get("/logs/?action=generation_code")["resultats"]) == 12


def test_too_many_too_long_or_not_ours_makes_nothing(desk: Desk) -> None:
    for wrong, field in (
        ({"nombre": 0}, "nombre"),
        ({"nombre": 201}, "nombre"),
        ({"duree_initiale": 86_400}, "duree_initiale"),
        ({"validite": 1}, "validite"),
    ):
        answer = desk.call("POST", "/lots/", json={**BODY, **wrong})
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert desk.call("POST", "/lots/", json={**BODY, "site": "nowhere"}).status_code == 404
    assert desk.call("POST", "/lots/", who="reader", json=BODY).status_code == 403
    for path in ("reprint", "cancel"):
        assert desk.call("POST", f"/lots/7/{path}/").status_code == 404
    assert count(desk.fleet, "SELECT count(*) FROM session") == 0
