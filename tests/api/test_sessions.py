"""The main job, from the desk's side."""

from datetime import datetime

from tests.api.conftest import Desk, count


def test_a_session_is_created_with_a_code_that_is_told_once(desk: Desk) -> None:
    made = desk.session()
    assert len(made["code_acces"]) == 6
    assert made["statut"] == "en_attente"
    assert made["poste"] == "poste-1"
    assert made["site"] == "st-denis"
    assert made["operateur"] == "desk"
    assert (made["temps_restant"], made["temps_ecoule"], made["duree_totale"]) == (3600, 0, 3600)
    read = desk.get(f"/sessions/{made['id']}/")
    assert "code_acces" not in read
    assert {k: v for k, v in read.items() if k != "maintenant"} == {
        k: v for k, v in made.items() if k not in ("code_acces", "maintenant")
    }


def test_a_code_can_be_printed_again_and_the_trail_says_so(desk: Desk) -> None:
    made = desk.session()
    again = desk.post(f"/sessions/{made['id']}/reprint/")
    assert again["code_acces"] == made["code_acces"]
    assert desk.get("/logs/?action=reimpression_code")["resultats"][0]["session"] == made["id"]


def test_no_code_is_in_lists_nor_in_the_audit_trail(desk: Desk) -> None:
    code = desk.session()["code_acces"]
    for path in ("/sessions/", "/sessions/actives/", "/logs/", "/logs/recent/"):
        assert code not in desk.call("GET", path).text


def test_a_session_runs_through_its_whole_life(desk: Desk) -> None:
    poste = desk.get("/postes/poste-1/")
    desk.come(poste["id"])
    number = desk.session()["id"]
    started = desk.post(f"/sessions/{number}/start/")
    assert started["statut"] == "active"
    more = desk.post(f"/sessions/{number}/add_time/", {"seconds": 900})
    assert (more["temps_ajoute"], more["duree_totale"]) == (900, 4500)
    less = desk.post(f"/sessions/{number}/add_time/", {"seconds": -300})
    assert less["duree_totale"] == 4200
    paused = desk.post(f"/sessions/{number}/suspend/")
    assert paused["statut"] == "suspendue"
    assert paused["motif_texte"].startswith("La session a été mise en pause")
    assert desk.get("/postes/poste-1/session_active/")["id"] == number
    assert desk.post(f"/sessions/{number}/resume/")["statut"] == "active"
    left = desk.get(f"/sessions/{number}/time_remaining/")
    assert left["temps_restant"] + left["temps_ecoule"] == left["duree_totale"] == 4200
    assert [one["id"] for one in desk.get("/sessions/actives/")["resultats"]] == [number]
    ended = desk.post(f"/sessions/{number}/terminate/")
    assert (ended["statut"], ended["motif_fin"]) == ("terminee", "fin_operateur")
    actions = [line["action"] for line in desk.get(f"/logs/by_session/?session={number}")["resultats"]]
    assert actions == [
        "fermeture",
        "reprise_session",
        "suspension_session",
        "ajout_temps",
        "ajout_temps",
        "demarrage_session",
        "generation_code",
    ]


def test_a_start_at_an_absent_poste_is_refused(desk: Desk) -> None:
    number = desk.session()["id"]
    answer = desk.call("POST", f"/sessions/{number}/start/")
    assert answer.status_code == 409
    assert answer.json()["reason"] == "poste_hors_ligne"


def test_a_session_that_is_over_is_said_to_be_over_though_its_poste_is_absent(desk: Desk) -> None:
    number = desk.session()["id"]
    desk.call("DELETE", f"/sessions/{number}/")
    assert desk.call("POST", f"/sessions/{number}/start/").json()["reason"] == "transition_interdite"


def test_put_edits_what_waits_and_never_the_state(desk: Desk) -> None:
    number = desk.session()["id"]
    path = f"/sessions/{number}/"
    edited = desk.call("PUT", path, json={"notes": "au fond", "duree_initiale": 1800, "poste": None}).json()
    assert (edited["notes"], edited["duree_initiale"], edited["poste"]) == ("au fond", 1800, None)
    refused = desk.call("PUT", path, json={"statut": "active"})
    assert (refused.status_code, refused.json()["field"]) == (422, "statut")
    desk.post(f"{path}terminate/")
    late = desk.call("PUT", path, json={"duree_initiale": 600})
    assert (late.status_code, late.json()["reason"]) == (409, "transition_interdite")


def test_delete_cancels_only_a_session_that_waits(desk: Desk) -> None:
    number = desk.session()["id"]
    assert desk.call("DELETE", f"/sessions/{number}/").status_code == 204
    assert desk.get(f"/sessions/{number}/")["motif_fin"] == "annulation"
    assert desk.call("DELETE", f"/sessions/{number}/").status_code == 409


def test_sessions_are_filtered_sorted_searched_and_paged(desk: Desk) -> None:
    person = desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Hélène", "consentement_rgpd": True})[
        "id"
    ]
    ids = [desk.session(poste=None, site="st-denis")["id"] for _ in range(3)]
    hers = desk.session(poste="poste-2", utilisateur=person)["id"]
    page = desk.get("/sessions/?limit=2&offset=1&tri=id")
    assert (page["total"], [one["id"] for one in page["resultats"]]) == (4, ids[1:])
    beyond = desk.get("/sessions/?offset=100")
    assert (beyond["total"], beyond["resultats"]) == (4, [])
    assert [one["id"] for one in desk.get("/sessions/?recherche=helene")["resultats"]] == [hers]
    assert desk.get("/sessions/?poste=poste-2&statut=en_attente,active")["total"] == 1
    assert desk.get(f"/sessions/?utilisateur={person}")["total"] == 1
    assert desk.get(f"/utilisateurs/{person}/sessions/")["total"] == 1
    for wrong in ("tri=code_index", "tri=fin_prevue", "tri=fin_prevue&statut=en_attente,active"):
        refused = desk.call("GET", f"/sessions/?{wrong}")
        assert (refused.status_code, refused.json()["field"]) == (422, "tri")
    assert desk.get("/sessions/?statut=active,suspendue&tri=fin_prevue")["total"] == 0
    assert desk.get("/sessions/actives/?tri=-fin_prevue")["total"] == 0


def test_counts_follow_what_happens(desk: Desk) -> None:
    desk.session()
    counted = desk.get("/sessions/stats/")
    assert counted["par_statut"]["en_attente"] == counted["creees"] == counted["total"] == 1


def test_times_are_instants_with_their_offset(desk: Desk) -> None:
    made = desk.session()
    assert datetime.fromisoformat(made["created_at"]).tzinfo is not None


def test_the_operator_of_one_site_needs_not_name_it(desk: Desk) -> None:
    assert desk.session(poste=None)["site"] == "st-denis"


def test_a_quota_refuses_with_its_sentence_and_is_kept_in_the_trail(desk: Desk) -> None:
    person = desk.post("/utilisateurs/", {"nom": "Hoarau", "prenom": "Jo", "consentement_rgpd": True})["id"]
    for _ in range(3):
        desk.session(poste=None, utilisateur=person)
    answer = desk.call("POST", "/sessions/", json={"duree_initiale": 600, "utilisateur": person})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Le nombre de sessions par jour est atteint (3)."
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'refus'") == 1
    asked = desk.get(f"/utilisateurs/{person}/can_create_session/")
    assert (asked["peut_creer_session"], asked["motif"]) == (False, "quota_sessions_jour")
    assert (asked["sessions_restantes"], asked["secondes_restantes_jour"]) == (0, None)


def test_sites_and_postes_are_named_by_slug_or_by_id(desk: Desk) -> None:
    poste = desk.get("/postes/poste-1/")["id"]
    by_id = desk.session(poste=poste, site=None)
    assert (by_id["poste"], by_id["site"]) == ("poste-1", "st-denis")
    assert desk.call("POST", "/sessions/", json={"duree_initiale": 600, "poste": True}).status_code == 422
    assert desk.call("POST", "/sessions/", json={"duree_initiale": 600, "poste": 999_999}).status_code == 404
