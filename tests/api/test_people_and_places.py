"""Members of the public, sites with their hours, and the audit trail."""

from typing import Any

import pytest
from sqlalchemy import text

from fleet.database import audit
from tests.api.conftest import Desk, count
from tests.support.tampering import unguarded


def _person(desk: Desk, **fields: Any) -> Any:
    return desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Hélène", **fields})


def test_a_person_is_found_without_accents(desk: Desk) -> None:
    made = _person(desk, telephone="0692 12 34 56", email="h@Exemple.RE", date_naissance="1990-01-01")
    assert (made["telephone"], made["email"]) == ("+262692123456", "h@exemple.re")
    assert made["age"] >= 36
    for words in ("helene", "PAYET helene", "262692", "exemple.re"):
        assert desk.get("/utilisateurs/", params={"recherche": words})["total"] == 1
    assert desk.get("/utilisateurs/?recherche=h%25l")["total"] == 0


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("0692123456", 1),
        ("0692 12 34 56", 1),
        ("06 92 12", 1),
        ("(0)692.12-34", 1),
        ("00262692123456", 1),
        ("+262 692 12 34 56", 1),
        ("12 34 56", 1),
        ("payet 0692", 1),
        ("0692 12 34 57", 0),
        ("0693", 0),
        ("000", 0),
    ],
)
def test_a_person_is_found_by_a_telephone_number_as_it_is_said(desk: Desk, typed: str, found: int) -> None:
    number = _person(desk, telephone="0692 12 34 56", consentement_rgpd=True)["id"]
    _person(desk, telephone="+33 6 12 34 57 89")
    desk.session(utilisateur=number)
    assert desk.get("/utilisateurs/", params={"recherche": typed})["total"] == found
    assert desk.get("/sessions/", params={"recherche": typed})["total"] == found


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"nom": "   "}, "nom"),
        ({"telephone": "12"}, "telephone"),
        ({"email": "x"}, "email"),
        ({"date_naissance": "2999-01-01"}, "date_naissance"),
        ({"date_naissance": "hier"}, "date_naissance"),
        ({"notes": "x\u0000"}, "notes"),
        ({"numero_cni": "x"}, "numero_cni"),
    ],
)
def test_wrong_facts_about_a_person_are_refused_and_named(desk: Desk, fields: Any, field: str) -> None:
    answer = desk.call("POST", "/utilisateurs/", json={"nom": "A", "prenom": "B", **fields})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_consent_is_dated_and_its_revocation_forbids_sessions(desk: Desk) -> None:
    made = _person(desk, consentement_rgpd=True)
    assert made["date_consentement"] is not None
    assert (made["version_notice"], made["peut_creer_session"]) == (1, True)
    path = f"/utilisateurs/{made['id']}"
    revoked = desk.post(f"{path}/revoke_consent/")
    assert (revoked["consentement_rgpd"], revoked["date_consentement"]) == (False, None)
    assert desk.get(f"{path}/can_create_session/")["motif"] == "consentement_absent"
    answer = desk.call("POST", "/sessions/", json={"duree_initiale": 600, "utilisateur": made["id"]})
    assert (answer.status_code, answer.json()["reason"]) == (409, "consentement_absent")
    desk.post(f"{path}/revoke_consent/")
    assert len(desk.get("/logs/?action=revocation_consentement", who="admin")["resultats"]) == 1


def test_who_agreed_to_an_earlier_notice_agrees_to_the_one_of_today(desk: Desk) -> None:
    made = _person(desk, consentement_rgpd=True)
    path = f"/utilisateurs/{made['id']}"
    desk.call("PUT", "/sites/st-denis/", who="admin", json={"notice": "Une autre notice."})
    # A record that is sent back as it was is no new agreement.
    assert desk.call("PUT", f"{path}/", json={"consentement_rgpd": True}).json()["version_notice"] == 1
    renewed = desk.post(f"{path}/renew_consent/")
    assert (renewed["version_notice"], renewed["version"]) == (2, made["version"] + 1)
    assert renewed["date_consentement"] > made["date_consentement"]
    assert desk.post(f"{path}/renew_consent/")["version"] == renewed["version"]
    desk.post(f"{path}/revoke_consent/")
    assert desk.call("POST", f"{path}/renew_consent/").json()["reason"] == "consentement_absent"


def test_a_person_is_edited_in_part_and_found_by_the_new_name(desk: Desk) -> None:
    made = _person(desk, email="h@exemple.re")
    path = f"/utilisateurs/{made['id']}/"
    edited = desk.call("PUT", path, json={"nom": "Grondin"}).json()
    assert (edited["nom"], edited["prenom"], edited["email"]) == ("Grondin", "Hélène", "h@exemple.re")
    assert desk.get("/utilisateurs/?recherche=grondin")["total"] == 1
    assert desk.get("/utilisateurs/?recherche=payet")["total"] == 0
    assert desk.call("PUT", path, json={"email": None}).json()["email"] is None


def test_a_person_with_sessions_is_not_deleted(desk: Desk) -> None:
    made = _person(desk, consentement_rgpd=True)
    desk.session(utilisateur=made["id"])
    answer = desk.call("DELETE", f"/utilisateurs/{made['id']}/")
    assert (answer.status_code, answer.json()["reason"]) == (409, "utilisateur_utilise")
    seen = desk.get(f"/utilisateurs/{made['id']}/")
    assert (seen["nombre_sessions"], seen["sessions_aujourdhui"]) == (1, 1)
    other = _person(desk)
    assert desk.call("DELETE", f"/utilisateurs/{other['id']}/").status_code == 204
    assert desk.call("GET", f"/utilisateurs/{other['id']}/").status_code == 404


def test_people_are_counted(desk: Desk) -> None:
    _person(desk, categorie="jeune", consentement_rgpd=True)
    _person(desk)
    counted = desk.get("/utilisateurs/stats/")
    assert (counted["total"], counted["avec_consentement"]) == (2, 1)
    assert counted["par_categorie"] == {"jeune": 1, "": 1}


def test_no_name_enters_the_audit_trail(desk: Desk) -> None:
    _person(desk, consentement_rgpd=True)
    trail = desk.call("GET", "/logs/", who="admin").text
    assert "creation_utilisateur" in trail
    assert "Payet" not in trail


ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}


def _edit(desk: Desk, **fields: Any) -> Any:
    return desk.call("PUT", "/sites/st-denis/", who="admin", json=fields)


def test_a_site_is_edited_and_its_postes_are_told(desk: Desk) -> None:
    before = count(desk.fleet, "SELECT config_rev FROM site")
    edited = _edit(desk, nom="Médiathèque", politique={"grace_s": 30}, notice="Bonjour").json()
    assert (edited["nom"], edited["politique"]["grace_s"], edited["notice_version"]) == ("Médiathèque", 30, 2)
    assert edited["politique"]["sessions_per_day"] == 3
    assert count(desk.fleet, "SELECT config_rev FROM site") == before + 1
    _edit(desk, nom="Médiathèque")
    assert count(desk.fleet, "SELECT config_rev FROM site") == before + 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"zone": "Mars/Base"}, "zone"),
        ({"horaires": {"7": []}}, "horaires"),
        ({"horaires": {"0": [["12:00", "09:00"]]}}, "horaires"),
        ({"exceptions": {"31/12": []}}, "exceptions"),
        ({"politique": {"grace_s": -1}}, "politique.grace_s"),
        ({"politique": {"free_beer": 1}}, "politique.free_beer"),
    ],
)
def test_wrong_rules_of_a_site_are_refused_and_named(desk: Desk, fields: Any, field: str) -> None:
    answer = _edit(desk, **fields)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_new_site_needs_a_slug_that_is_free(desk: Desk) -> None:
    for slug, status in (("le-port", 201), ("le-port", 422), ("12", 422), ("Le Port", 422)):
        answer = desk.call("POST", "/sites/", who="admin", json={"slug": slug, "nom": "Le Port"})
        assert answer.status_code == status


def test_closing_the_site_cuts_the_sessions_that_run(desk: Desk) -> None:
    desk.come(desk.get("/postes/poste-1/")["id"])
    number = desk.session()["id"]
    desk.post(f"/sessions/{number}/start/")
    rev = count(desk.fleet, "SELECT max(rev) FROM desired")
    assert _edit(desk, horaires=ALWAYS).status_code == 200
    assert desk.get(f"/sessions/{number}/")["temps_restant"] > 3500
    assert _edit(desk, horaires={str(day): [] for day in range(7)}).status_code == 200
    cut = desk.get(f"/sessions/{number}/")
    assert cut["temps_restant"] <= 1
    assert cut["duree_totale"] == cut["temps_restant"] + cut["temps_ecoule"]
    assert count(desk.fleet, "SELECT max(rev) FROM desired") == rev + 1
    granted = count(desk.fleet, f"SELECT sum(montant_ms) FROM octroi WHERE session_id = {number}")
    assert granted == count(
        desk.fleet, f"SELECT duree_initiale_ms + temps_ajoute_ms FROM session WHERE id = {number}"
    )


def test_the_trail_is_paged_by_a_cursor_that_new_lines_do_not_move(desk: Desk) -> None:
    for _ in range(5):
        desk.session(poste=None)
    page = desk.get("/logs/?limit=2&action=generation_code")
    desk.session(poste=None)
    after = desk.get(f"/logs/?limit=2&action=generation_code&avant={page['suivant']}")
    last = desk.get(f"/logs/?limit=2&action=generation_code&avant={after['suivant']}")
    ids = [one["id"] for one in page["resultats"] + after["resultats"] + last["resultats"]]
    assert ids == sorted(set(ids), reverse=True)
    assert (len(ids), last["suivant"]) == (5, None)
    newer = desk.get(f"/logs/?action=generation_code&apres={ids[0]}")["resultats"]
    assert len(newer) == 1


def test_a_line_tells_who_did_what_where_and_its_place_in_the_chain(desk: Desk) -> None:
    made = desk.session()
    line = desk.get(f"/logs/?session={made['id']}&site=st-denis&poste=poste-1&operateur=desk")["resultats"][0]
    assert (line["action"], line["site"], line["poste"]) == ("generation_code", "st-denis", "poste-1")
    assert (line["operateur"], line["ip_address"], len(line["hash"])) == ("desk", "testclient", 64)
    assert desk.get(f"/logs/{line['id']}/") == line
    assert desk.post("/logs/search/", {"session": made["id"]})["resultats"] == [line]
    assert desk.get("/logs/stats/")["par_action"]["generation_code"] == 1
    desk.call("POST", f"/sessions/{made['id']}/resume/")
    assert desk.get("/logs/errors/")["resultats"][0]["metadata"]["motif"] == "transition_interdite"


def test_the_chain_holds_after_all_that_the_desk_does(desk: Desk) -> None:
    made = _person(desk, consentement_rgpd=True)
    desk.session(utilisateur=made["id"])
    _edit(desk, nom="Ailleurs")
    with desk.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []
    with desk.fleet.database.transaction() as tx, unguarded(tx):
        tx.execute(text("UPDATE log SET details = 'x' WHERE numero = 2"))
    with desk.fleet.database.read() as tx:
        assert next(iter(audit.verify(tx.connection))).numero == 2
