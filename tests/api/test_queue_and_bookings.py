"""The queue and the bookings, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from fleet.database import tables
from tests.api.conftest import Desk
from tests.api.rights import booking


def _at(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def _body(start: int = 60, long: int = 60, **more: Any) -> dict[str, Any]:
    return {"poste": "poste-1", "debut": _at(start), "fin": _at(start + long), "nom": "Léa", **more}


def test_a_ticket_is_taken_looked_at_and_given_up(desk: Desk) -> None:
    first = desk.post("/attente/", {"site": "st-denis", "duree": 1800, "prenom": "Léa"})
    second = desk.post("/attente/", {"site": "st-denis", "duree": 1800})
    assert (first["numero"], first["position"], first["attente_estimee"]) == (1, 1, 0)
    seen = desk.get("/attente/?site=st-denis", who="reader")
    assert [(one["numero"], one["prenom"]) for one in seen["resultats"]] == [(1, "Léa"), (2, "")]
    last = desk.get("/attente/?offset=1&limit=1")
    assert (last["total"], last["resultats"][0]["position"]) == (2, 2)
    assert desk.post(f"/attente/{first['id']}/skip/")["position"] == 2
    gone = desk.post(f"/attente/{first['id']}/give_up/")
    assert (gone["statut"], gone["prenom"]) == ("abandonnee", "")
    assert [one["id"] for one in desk.get("/attente/?statut=abandonnee")["resultats"]] == [first["id"]]
    early = desk.call("POST", f"/attente/{second['id']}/serve/")
    assert (early.status_code, early.json()["reason"]) == (409, "attente_pas_appelee")


def test_who_was_called_gets_a_code_for_the_poste_that_is_held(desk: Desk) -> None:
    desk.come(desk.get("/postes/poste-1/")["id"])
    ticket = desk.post("/attente/", {"site": "st-denis", "duree": 1800})["id"]
    with desk.fleet.database.transaction() as tx:
        called = {
            "statut": "appelee",
            "poste_id": desk.get("/postes/poste-1/")["id"],
            "expire_a": tx.now + timedelta(minutes=5),
            "appelee_a": tx.now,
        }
        tx.execute(update(tables.queue).where(tables.queue.c.id == ticket).values(**called))
    assert desk.get("/postes/poste-1/")["statut"] == "reserve"
    served = desk.post(f"/attente/{ticket}/serve/")
    assert (served["poste"], served["duree_initiale"], len(served["code_acces"])) == ("poste-1", 1800, 6)
    assert desk.get(f"/attente/{ticket}/")["session"] == served["id"]


def test_what_is_wrong_with_a_ticket_is_said(desk: Desk) -> None:
    for body, field in (
        ({"site": "st-denis"}, "duree"),
        ({"site": "st-denis", "duree": 86_400}, "duree"),
        ({"site": "st-denis", "duree": 600, "prenom": "x" * 101}, "prenom"),
    ):
        answer = desk.call("POST", "/attente/", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert desk.call("POST", "/attente/", json={"site": "nowhere", "duree": 600}).status_code == 404
    assert desk.call("GET", "/attente/?site=nowhere").status_code == 404
    assert desk.call("POST", "/attente/9/skip/").status_code == 404
    assert (
        desk.call("POST", "/attente/", who="reader", json={"site": "st-denis", "duree": 600}).status_code
        == 403
    )


def test_a_poste_is_booked_refused_to_others_and_given_up(desk: Desk) -> None:
    made = desk.post("/reservations/", _body())
    assert (made["poste"], made["statut"], made["nom"], made["operateur"]) == (
        "poste-1",
        "prevue",
        "Léa",
        "desk",
    )
    again = desk.call("POST", "/reservations/", json=_body(90))
    assert (again.status_code, again.json()["reason"]) == (409, "reservation_chevauche")
    assert desk.get("/reservations/?poste=poste-1&statut=prevue")["total"] == 1
    gone = desk.post(f"/reservations/{made['id']}/cancel/")
    assert (gone["statut"], gone["nom"]) == ("annulee", "")
    desk.post("/reservations/", _body(90))


def test_who_booked_is_served(desk: Desk) -> None:
    made = desk.post("/reservations/", _body(5, 30))
    assert desk.get("/postes/poste-1/")["statut_voulu"] == "en_service"
    served = desk.post(f"/reservations/{made['id']}/serve/")
    assert (served["poste"], served["duree_initiale"]) == ("poste-1", 1800)
    assert desk.get(f"/reservations/{made['id']}/")["session"] == served["id"]


def test_what_is_wrong_with_a_booking_is_said(desk: Desk) -> None:
    for body, field in (
        (_body(nom=""), "nom"),
        (_body(long=1), "fin"),
        (_body(-600), "debut"),
        (_body(debut="tomorrow"), "debut"),
    ):
        answer = desk.call("POST", "/reservations/", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert desk.call("POST", "/reservations/", json=_body(poste="nowhere")).status_code == 404
    assert desk.call("POST", "/reservations/", json=_body(utilisateur=99)).status_code == 404
    assert desk.call("POST", "/reservations/", who="reader", json=_body()).status_code == 403
    assert desk.call("POST", "/reservations/9/cancel/").status_code == 404
    assert desk.get("/reservations/")["total"] == 0


def test_a_wrong_field_of_a_booking_is_named_whatever_its_poste_is_like(desk: Desk) -> None:
    desk.post("/postes/poste-1/marquer_maintenance/")
    body = booking(3)
    answer = desk.call("POST", "/reservations/", json=body | {"debut": body["fin"], "fin": body["debut"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "fin")


def test_who_changes_the_hours_is_told_of_the_bookings_that_they_leave_outside(desk: Desk) -> None:
    booking = desk.post("/reservations/", _body(60 * 24))
    never: dict[str, list[Any]] = {str(day): [] for day in range(7)}
    edited = desk.call("PUT", "/sites/st-denis/", who="admin", json={"horaires": never})
    (outside,) = edited.json()["reservations_hors_horaires"]
    assert (outside["id"], outside["poste"], outside["debut"]) == (
        booking["id"],
        "poste-1",
        booking["debut"],
    )
    assert desk.get(f"/reservations/{booking['id']}/")["hors_horaires"] is True
    assert desk.get("/alertes/")["resultats"][0]["genre"] == "alerte_reservations"
