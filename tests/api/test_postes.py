"""Postes: what is wanted, what is observed, and orders."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import update

from fleet.database import leases, outbox
from fleet.database.listing import Page
from fleet.database.tables import command, desired, poste, presence
from fleet.domain.actor import OPERATEUR, SYSTEM
from fleet.usecases import operateurs, poste_views, sites
from fleet.usecases import presence as hearing
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.poste_views import PosteFilter
from protocol.messages import Info
from tests.api.conftest import PASSWORD, Desk, count


def _new(desk: Desk, **fields: object) -> tuple[int, dict[str, object]]:
    body = {"slug": "poste-9", "nom": "Neuf", "site": "st-denis", **fields}
    answer = desk.call("POST", "/postes/", who="admin", json=body)
    return answer.status_code, answer.json()


def test_a_poste_is_created_and_found_by_slug_or_number(desk: Desk) -> None:
    status, made = _new(desk, mac_address="AA-BB-CC-DD-EE-FF", ip_address="10.0.0.9")
    assert status == 201
    assert made["mac_address"] == "aa:bb:cc:dd:ee:ff"
    assert desk.get(f"/postes/{made['id']}/") == desk.get("/postes/poste-9/")
    assert desk.get("/logs/?action=creation_poste")["resultats"][0]["poste"] == "poste-9"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"slug": "Poste"}, "slug"),
        ({"slug": "-a"}, "slug"),
        ({"slug": "42"}, "slug"),
        ({"slug": "stats"}, "slug"),
        ({"slug": "poste-1"}, "slug"),
        ({"nom": "Poste 1"}, "nom"),
        ({"nom": "  "}, "nom"),
        ({"ip_address": "10.0.0.1"}, "ip_address"),
        ({"ip_address": "10.0.0.256"}, "ip_address"),
        ({"ip_address": "::1"}, "ip_address"),
        ({"mac_address": "aa:bb"}, "mac_address"),
    ],
)
def test_a_wrong_or_taken_value_is_refused_and_named(
    desk: Desk, fields: dict[str, object], field: str
) -> None:
    status, said = _new(desk, **fields)
    assert (status, said["field"]) == (422, field)


def test_a_mac_address_is_in_the_fleet_once(desk: Desk) -> None:
    assert _new(desk, mac_address="aa:bb:cc:dd:ee:ff")[0] == 201
    status, said = _new(desk, slug="poste-8", nom="Huit", mac_address="aabbccddeeff")
    assert (status, said["field"], said["reason"]) == (422, "mac_address", "deja_pris")


def test_a_deleted_poste_never_gives_its_slug_again(desk: Desk) -> None:
    _new(desk)
    assert desk.call("DELETE", "/postes/poste-9/", who="admin").status_code == 204
    status, said = _new(desk)
    assert (status, said["field"]) == (422, "slug")


def test_a_poste_with_sessions_is_not_deleted(desk: Desk) -> None:
    desk.session()
    answer = desk.call("DELETE", "/postes/poste-1/", who="admin")
    assert (answer.status_code, answer.json()["reason"]) == (409, "poste_utilise")


def test_what_is_wanted_is_set_and_told_to_the_poste(desk: Desk) -> None:
    before = count(desk.fleet, "SELECT max(rev) FROM desired")
    assert desk.post("/postes/poste-1/marquer_maintenance/")["statut"] == "maintenance"
    assert count(desk.fleet, "SELECT max(rev) FROM desired") == before + 1
    assert desk.post("/postes/poste-1/marquer_maintenance/")["statut"] == "maintenance"
    assert count(desk.fleet, "SELECT max(rev) FROM desired") == before + 1
    assert desk.post("/postes/poste-1/marquer_hors_ligne/")["statut"] == "hors_ligne"
    said = desk.call("PUT", "/postes/poste-1/status/", json={"statut": "disponible"}).json()
    assert said["statut_voulu"] == "en_service"
    assert len(desk.get("/logs/?action=changement_statut_poste")["resultats"]) == 3


def test_what_is_observed_cannot_be_chosen(desk: Desk) -> None:
    answer = desk.call("PUT", "/postes/poste-1/status/", json={"statut": "occupe"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "statut_derive")
    assert desk.call("PUT", "/postes/poste-1/status/", json={"statut": "x"}).status_code == 422


def test_putting_back_in_service_ends_the_wait_for_a_technician(desk: Desk) -> None:
    number = desk.get("/postes/poste-1/")["id"]
    desk.come(number)
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(desired).where(desired.c.poste_id == number).values(needs_care="restes"))
    assert desk.get("/postes/poste-1/")["statut"] == "maintenance"
    assert desk.post("/postes/poste-1/marquer_disponible/")["statut"] == "disponible"


def test_a_poste_is_lost_only_after_the_debounce(desk: Desk) -> None:
    number = desk.get("/postes/poste-1/")["id"]
    desk.come(number)
    for seconds, statut in ((1, "disponible"), (6, "hors_ligne")):
        _lose(desk, number, seconds)
        seen = desk.get("/postes/poste-1/")
        assert (seen["statut"], seen["est_en_ligne"], seen["est_disponible"]) == (statut, False, False)
        assert desk.get(f"/postes/?statut={statut}&recherche=poste-1")["total"] == 1


def _lose(desk: Desk, number: int, seconds: int) -> None:
    with desk.fleet.database.transaction() as tx:
        gone = {"online": False, "since": tx.now - timedelta(seconds=seconds)}
        tx.execute(update(presence).where(presence.c.poste_id == number).values(**gone))


def test_the_database_filters_by_the_statut_that_the_rule_gives(desk: Desk) -> None:
    """Every combination of what is wanted and observed: the list by statut holds what the view shows."""
    number = desk.get("/postes/poste-1/")["id"]
    desk.session()
    wanted = ("en_service", "maintenance", "hors_ligne")
    for voulu, online, boot, phase, care, old in itertools.product(
        wanted, (True, False, None), ("b", None), ("cleaning", "locked"), (None, "x"), (1, 10)
    ):
        with desk.fleet.database.transaction() as tx:
            since = tx.now - timedelta(seconds=old)
            seen = {"online": online, "boot": boot, "phase": phase, "since": since}
            tx.execute(update(presence).where(presence.c.poste_id == number).values(**seen))
            tx.execute(update(poste).where(poste.c.id == number).values(statut_voulu=voulu))
            tx.execute(update(desired).where(desired.c.poste_id == number).values(needs_care=care))
        statut = poste_views.one(desk.fleet, SYSTEM, number).statut
        which = PosteFilter(statuts=(statut,), search="poste-1")
        assert poste_views.search(desk.fleet, SYSTEM, which, Page()).total == 1


def test_free_postes_are_those_that_a_visitor_can_take(desk: Desk) -> None:
    one, two = (desk.get(f"/postes/poste-{number}/")["id"] for number in (1, 2))
    assert desk.get("/postes/disponibles/")["total"] == 0
    desk.come(one)
    desk.come(two)
    assert desk.get("/postes/disponibles/")["total"] == 2
    desk.session(poste="poste-2")
    assert desk.get("/postes/poste-2/")["statut"] == "reserve"
    number = desk.session()["id"]
    desk.post(f"/sessions/{number}/start/")
    seen = desk.get("/postes/poste-1/")
    assert (seen["statut"], seen["session_active"]) == ("occupe", number)
    assert desk.get("/postes/disponibles/")["total"] == 0
    counted = desk.get("/postes/stats/")
    assert (counted["total"], counted["en_ligne"]) == (2, 2)
    assert counted["par_statut"]["occupe"] == counted["par_statut"]["reserve"] == 1


def test_postes_are_searched_and_sorted(desk: Desk) -> None:
    assert [p["slug"] for p in desk.get("/postes/?tri=-slug")["resultats"]] == ["poste-2", "poste-1"]
    assert desk.get("/postes/?recherche=POSTE%202")["total"] == 1
    assert desk.get("/postes/?recherche=%25")["total"] == 0


@pytest.mark.parametrize("typed", ["cafe", "CAFÉ", "etage cafe", "Cafe\u0301", "poste-1 œuvres"])
def test_a_poste_is_found_by_its_name_and_place_without_accents(desk: Desk, typed: str) -> None:
    edited = {"nom": "CAFÉ des œuvres", "emplacement": "1er étage"}
    assert desk.call("PUT", "/postes/poste-1/", who="admin", json=edited).status_code == 200
    found = desk.get("/postes/", params={"recherche": typed})["resultats"]
    assert [one["slug"] for one in found] == ["poste-1"]


def test_an_order_reaches_a_poste_that_is_there_and_only_that(desk: Desk) -> None:
    number = desk.get("/postes/poste-1/")["id"]
    body = {"op": "message", "texte": "Fermeture dans dix minutes"}
    away = desk.call("POST", "/postes/poste-1/commands/", json=body)
    assert (away.status_code, away.json()["reason"]) == (409, "poste_hors_ligne")
    desk.come(number, boot="b-7")
    assert desk.call("POST", "/postes/poste-1/commands/", json=body).status_code == 202
    with desk.fleet.database.read() as tx:
        row = tx.connection.exec_driver_sql("SELECT op, boot, statut FROM commande").one()
    assert tuple(row) == ("message", "b-7", "a_envoyer")


def test_an_order_may_wait_for_a_poste_that_is_away(desk: Desk) -> None:
    body = {"op": "reboot", "quand": "retour"}
    assert desk.post("/postes/poste-1/commands/", body)["attend"] is True
    desk.come(desk.get("/postes/poste-1/")["id"])
    assert desk.post("/postes/poste-1/commands/", body)["attend"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"op": "dance"}, "op"),
        ({"op": "message"}, "texte"),
        ({"op": "message", "texte": "\x1b\x07"}, "texte"),
        ({"op": "update", "version": "2"}, "sha256"),
        ({"op": "update", "sha256": "0" * 64}, "version"),
        ({"op": "wake", "quand": "retour"}, "quand"),
        ({"op": "reboot", "quand": "demain"}, "quand"),
    ],
)
def test_an_order_that_means_nothing_is_refused(desk: Desk, body: dict[str, str], field: str) -> None:
    answer = desk.call("POST", "/postes/poste-1/commands/", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def _ask(desk: Desk, code: str) -> tuple[int, dict[str, object]]:
    answer = desk.call("POST", "/sessions/validate_code/", json={"code": code, "poste": "poste-1"})
    return answer.status_code, answer.json()


def test_a_code_is_validated_only_from_the_address_of_its_poste(desk: Desk) -> None:
    made = desk.session()
    status, said = _ask(desk, made["code_acces"])
    assert (status, said["reason"]) == (403, "adresse_refusee")
    _move(desk, "poste-1")
    status, said = _ask(desk, made["code_acces"].lower())
    assert (status, said["valide"], said["session"]) == (200, True, made["id"])
    assert desk.get(f"/sessions/{made['id']}/")["statut"] == "en_attente"


def test_wrong_codes_asked_over_http_count_as_wrong_tries(desk: Desk) -> None:
    _move(desk, "poste-1")
    answers = [_ask(desk, "ZZZZZZ") for _ in range(5)]
    assert {(status, said["valide"], said["motif"]) for status, said in answers} == {
        (200, False, "code_inconnu")
    }
    assert answers[-1][1]["reessayer_dans"] == 30
    assert _ask(desk, "ZZZZZZ")[0] == 429
    assert len(desk.get("/logs/?action=echec_code")["resultats"]) == 5


def _move(desk: Desk, slug: str) -> None:
    """Register the address that the tests call from."""
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(poste).where(poste.c.slug == slug).values(ip_address="testclient"))


def test_a_poste_shows_what_its_machine_told_of_itself(desk: Desk) -> None:
    assert desk.get("/postes/poste-1/")["machine"] is None, "it never came"
    poste_id = desk.get("/postes/poste-1/")["id"]
    old = Info(protocol=1, software="0.0.9", os="Debian 11")
    _tell(desk, poste_id, old)
    seen = desk.get("/postes/poste-1/")
    assert (seen["version_client"], seen["machine"]["systeme"]) == ("0.0.9", "Debian 11")
    assert (seen["machine"]["memoire"], seen["machine"]["ecrans"]) == (0, []), "an old agent says no more"
    new = Info(
        protocol=1, software="0.1.0", os="Debian 12", hostname="p1", ip="10.0.0.1", mac="02:00:00:00:00:01",
        python="3.11.2", ram_bytes=8 << 30, disk_bytes=250 << 30, disk_free_bytes=99 << 30, screens=("1920x1080",),
    )  # fmt: skip
    _tell(desk, poste_id, new)
    machine = desk.get("/postes/poste-1/")["machine"]
    assert (machine["nom_hote"], machine["ip"], machine["mac"]) == ("p1", "10.0.0.1", "02:00:00:00:00:01")
    assert (machine["memoire"], machine["disque"], machine["disque_libre"]) == (8 << 30, 250 << 30, 99 << 30)
    assert (machine["ecrans"], machine["python"], machine["charge"]) == (["1920x1080"], "3.11.2", 0.0)


def _tell(desk: Desk, poste_id: int, told: Info) -> None:
    with desk.fleet.database.transaction() as tx:
        lease = leases.acquire(tx.connection, desk.site_id, "controller", tx.now)
    assert lease is not None
    hearing.infos(desk.fleet, lease, {poste_id: told})


def test_orders_that_wait_for_a_poste_are_listed_until_they_are_sent_or_too_old(desk: Desk) -> None:
    other = desk.post("/postes/", {"slug": "poste-9", "nom": "Neuf", "site": "st-denis"}, who="admin")["id"]
    body = {"op": "message", "texte": "Bonjour", "quand": "retour"}
    first = desk.post("/postes/poste-9/commands/", body)["id"]
    second = desk.post("/postes/poste-9/commands/", {"op": "reboot", "quand": "retour"})["id"]
    late = desk.post("/postes/poste-9/commands/", {"op": "identify", "quand": "retour"})["id"]
    with desk.fleet.database.transaction() as tx:
        old = command.c.id == late
        tx.execute(update(command).where(old).values(expire_a=tx.now - timedelta(seconds=1)))
    found = desk.get("/commandes/?poste=poste-9&site=st-denis")
    assert [one["id"] for one in found["resultats"]] == [first, second]
    assert (found["total"], found["resultats"][0]["texte"], found["resultats"][0]["operateur"]) == (
        2,
        "Bonjour",
        "desk",
    )
    assert [one["id"] for one in desk.get("/commandes/?tri=-created_at&limit=1")["resultats"]] == [second]
    assert desk.get("/commandes/?poste=poste-1")["total"] == 0
    elsewhere = sites.create(desk.fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    operateurs.create(desk.fleet, SYSTEM, NewOperateur("far", PASSWORD, OPERATEUR, [elsewhere]))
    for query in ("", "?poste=poste-9", "?site=st-denis"):
        answer = desk.call("GET", f"/commandes/{query}", who="far")
        assert "poste-9" not in answer.text, query
    with desk.fleet.database.transaction() as tx:
        mine = command.c.poste_id == other
        tx.execute(update(command).where(mine).values(statut="a_envoyer"))
    assert desk.get("/commandes/")["total"] == 0


def test_an_order_that_waits_is_taken_back_and_one_that_left_is_not(desk: Desk) -> None:
    body = {"op": "reboot", "quand": "retour"}
    waits = desk.post("/postes/poste-1/commands/", body)["id"]
    assert desk.call("DELETE", f"/commandes/{waits}/", "reader").status_code == 403
    assert desk.call("DELETE", f"/commandes/{waits}/").status_code == 204
    assert desk.get("/commandes/")["total"] == 0
    assert desk.get("/commandes/?statut=annulee")["resultats"][0]["id"] == waits
    assert desk.get("/logs/?action=commande_poste")["resultats"][0]["metadata"]["fait"] == "annulation"
    desk.come(desk.get("/postes/poste-1/")["id"])
    left = desk.post("/postes/poste-1/commands/", body)["id"]
    for gone in (waits, left):
        answer = desk.call("DELETE", f"/commandes/{gone}/")
        assert (answer.status_code, answer.json()["reason"]) == (409, "commande_partie")
    assert desk.call("DELETE", "/commandes/nulle-part/").status_code == 404


def test_what_became_of_an_order_and_when_is_told(desk: Desk) -> None:
    number = desk.get("/postes/poste-1/")["id"]
    desk.come(number)
    done, refused, sent = (desk.post("/postes/poste-1/commands/", {"op": "identify"})["id"] for _ in range(3))
    with desk.fleet.database.transaction() as tx:
        outbox.mark_ordered(tx, [done, refused, sent])
        outbox.mark_command(tx, done, "done")
        outbox.mark_command(tx, refused, "refused", "poste_occupe")
    asked = "/commandes/?poste=poste-1&statut=envoyee,faite,refusee,expiree"
    found = {one["id"]: one for one in desk.get(asked)["resultats"]}
    assert [found[one]["statut"] for one in (done, refused, sent)] == ["faite", "refusee", "envoyee"]
    assert found[refused]["motif_texte"] == "Ce poste est déjà occupé."
    assert found[done]["repondu_a"] >= found[done]["created_at"]
    assert found[sent]["repondu_a"] is None
    assert [one["id"] for one in desk.get("/commandes/?statut=refusee")["resultats"]] == [refused]


def test_the_journal_says_in_a_sentence_why_an_order_was_refused(desk: Desk) -> None:
    assert desk.call("POST", "/postes/poste-1/commands/", json={"op": "wake"}).status_code == 409
    line = desk.get("/logs/?action=refus")["resultats"][0]
    assert line["metadata"]["motif"] == "sans_adresse_mac"
    assert line["motif_texte"].startswith("L’adresse MAC de ce poste n’est pas connue")


def test_an_order_that_waited_too_long_is_over_before_anybody_writes_it(desk: Desk) -> None:
    late = desk.post("/postes/poste-1/commands/", {"op": "identify", "quand": "retour"})["id"]
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(command).where(command.c.id == late).values(expire_a=tx.now - timedelta(seconds=1)))
    assert desk.get("/commandes/?statut=attend")["total"] == 0
    assert [one["statut"] for one in desk.get("/commandes/?statut=expiree")["resultats"]] == ["expiree"]


def test_postes_are_listed_as_people_count(desk: Desk) -> None:
    for number in (10, 9, 100):
        body = {"slug": f"zone-{number}", "nom": f"Zone {number}", "site": "st-denis"}
        desk.post("/postes/", body, who="admin")
    names = [one["nom"] for one in desk.get("/postes/", params={"recherche": "zone"})["resultats"]]
    assert names == ["Zone 9", "Zone 10", "Zone 100"]
    number = desk.get("/postes/zone-100/")["id"]
    assert desk.call("PUT", f"/postes/{number}/", who="admin", json={"nom": "Zone 8"}).status_code == 200
    names = [
        one["nom"] for one in desk.get("/postes/", params={"recherche": "zone", "tri": "-nom"})["resultats"]
    ]
    assert names == ["Zone 10", "Zone 9", "Zone 8"]
