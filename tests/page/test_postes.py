"""The pages of the postes: found, told what to do, one by one and many at once."""

import secrets
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from ppm.simulator.machine import SimulatedMachine
from ppm.simulator.poste import SimulatedPoste
from tests.page.axe import check_axe
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.page.people import operateur
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def absent(house: House) -> str:
    """A poste that never came."""
    return add(house, "absent", "Poste absent", emplacement="Réserve")


def add(house: House, slug: str, nom: str, **more: Any) -> str:
    with house.client() as client:
        site = client.get("/sites/").json()["resultats"][0]["slug"]
        answer = client.post("/postes/", json={"slug": slug, "nom": nom, "site": site} | more)
        assert answer.status_code == 201, answer.text
    return slug


def ready(house: House, *slugs: str) -> None:
    """Postes that take orders: one that knows no time yet takes none."""
    for slug in slugs:
        wait_until(partial(house.does, slug, _knows_time), 30, f"{slug} knows the time")


def _shows(machine: SimulatedMachine, text: str) -> bool:
    return machine.shown == text


def _knows_time(one: SimulatedPoste) -> bool:
    return one.agent is not None and one.agent.machine.offset.server_ms is not None


def row(page: Page, slug: str) -> Locator:
    return page.locator(f"tr[data-poste={slug}]")


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def test_postes_are_searched_filtered_and_sorted_and_the_address_keeps_it(open_page: OpenPage) -> None:
    page = open_page("/postes")
    expect(page.locator("tr[data-poste]")).to_have_count(7)
    page.get_by_label("Rechercher").last.fill("reserve")
    expect(page.locator("tr[data-poste]")).to_have_count(1)
    page.get_by_label("Rechercher").last.fill("")
    page.get_by_label("État").select_option("hors_ligne")
    expect(page.locator("tr[data-poste]")).to_have_count(1)
    page.reload()
    expect(row(page, "absent")).to_contain_text("Hors ligne")
    page.get_by_label("État").select_option("")
    page.get_by_label("En ligne").select_option("oui")
    expect(page.locator("tr[data-poste]")).to_have_count(6)
    page.get_by_role("button", name="Nom").click()
    expect(page.locator("tr[data-poste]").first).to_contain_text("Poste 6")
    check_axe(page)


def test_a_list_shows_what_happens_without_being_asked(house: House, open_page: OpenPage) -> None:
    page = open_page("/postes?statut=maintenance")
    expect(page.get_by_text("Aucun poste ne correspond.")).to_be_visible()
    with house.client() as client:
        client.post("/postes/demo-06/marquer_maintenance/").raise_for_status()
        expect(row(page, "demo-06")).to_contain_text("Maintenance")
        client.post("/postes/demo-06/marquer_disponible/").raise_for_status()
    expect(row(page, "demo-06")).to_have_count(0)


def test_many_are_told_at_once_and_each_has_its_outcome(house: House, open_page: OpenPage) -> None:
    ready(house, "demo-01", "demo-02")
    page = open_page("/postes")
    for slug in ("demo-01", "demo-02", "absent"):
        row(page, slug).get_by_role("checkbox").check()
    page.get_by_role("button", name="Message", exact=True).click()
    page.get_by_label("Texte").fill("Fermeture dans dix minutes")
    check_axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Message").click()
    outcome = page.get_by_role("region", name="Résultat")
    expect(outcome.locator("li")).to_have_count(3)
    expect(outcome.locator("li", has_text="Poste absent")).to_contain_text("il est éteint ou débranché")
    expect(outcome.locator("li", has_text="Poste 1")).to_contain_text("fait")
    for slug in ("demo-01", "demo-02"):
        shown = house.poste(slug).machine
        wait_until(partial(_shows, shown, "Fermeture dans dix minutes"), what="shown")
    page.get_by_role("button", name="Mettre en maintenance").click()
    for slug in ("demo-01", "demo-02", "absent"):
        expect(row(page, slug)).to_contain_text("Maintenance")
    wait_until(lambda: house.poste("demo-01").phase == "maintenance", what="maintenance")
    page.get_by_role("button", name="Remettre en service").click()
    expect(row(page, "demo-01")).to_contain_text("Libre")
    expect(row(page, "absent")).to_contain_text("Hors ligne")


def test_what_may_lose_work_is_asked_twice(house: House, open_page: OpenPage) -> None:
    ready(house, "demo-03")
    page = open_page("/postes")
    row(page, "demo-03").get_by_role("checkbox").check()
    page.get_by_role("button", name="Redémarrer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Poste 3")
    dialog.get_by_role("button", name="Annuler").click()
    assert not house.poste("demo-03").machine.times("reboot")
    page.get_by_role("button", name="Redémarrer").click()
    dialog.get_by_role("button", name="Redémarrer").click()
    wait_until(lambda: house.poste("demo-03").machine.times("reboot"), what="rebooted")


def test_a_poste_is_created_changed_and_deleted(house: House, open_page: OpenPage) -> None:
    page = open_page("/postes")
    page.get_by_role("button", name="Nouveau poste").click()
    page.get_by_label("Nom", exact=True).fill("Poste du fond")
    expect(page.get_by_label("Identifiant")).to_have_value("poste-du-fond")
    page.get_by_label("Adresse IP").fill("10.0.0.999")
    check_axe(page)
    page.get_by_role("button", name="Créer", exact=True).click()
    expect(page.get_by_label("Adresse IP")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Adresse IP").fill("10.0.0.9")
    page.get_by_role("button", name="Créer", exact=True).click()
    expect(page.get_by_role("heading", name="Poste du fond", level=1)).to_be_visible()
    expect(section(page, "La machine")).to_contain_text("jamais connecté")

    page.get_by_role("button", name="Modifier").click()
    page.get_by_label("Emplacement").fill("Au fond à gauche")
    with house.client() as client:
        client.put("/postes/poste-du-fond/", json={"nom": "Poste du coin"}).raise_for_status()
    page.get_by_role("button", name="Enregistrer").click()
    told = page.get_by_role("dialog").get_by_role("alert")
    expect(told).to_contain_text("Quelqu’un d’autre vient de modifier ce poste")
    expect(page.get_by_role("dialog")).to_contain_text("Entre-temps\u202f: Poste du coin")
    expect(page.get_by_label("Emplacement")).to_have_value("Au fond à gauche")
    page.get_by_label("Nom", exact=True).fill("Poste du coin")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", name="Poste du coin", level=1)).to_be_visible()
    expect(page.get_by_text("Au fond à gauche")).to_be_visible()

    page.get_by_role("button", name="Supprimer Poste du coin").click()
    page.get_by_role("dialog").get_by_role("button", name="Supprimer").click()
    expect(page.get_by_text("Poste du coin est supprimé")).to_be_visible()
    expect(row(page, "demo-01")).to_be_visible()
    expect(row(page, "poste-du-fond")).to_have_count(0)


def test_a_poste_that_had_a_session_is_kept_and_it_is_said_why(house: House, open_page: OpenPage) -> None:
    with house.client() as client:
        client.post("/sessions/", json={"duree_initiale": 600, "poste": "demo-05"}).raise_for_status()
    page = open_page("/postes/demo-05")
    expect(page.get_by_test_id("state")).to_contain_text("Réservé")
    expect(section(page, "Dernières sessions")).to_contain_text("Anonyme")
    page.get_by_role("button", name="Supprimer Poste 5").click()
    page.get_by_role("dialog").get_by_role("button", name="Supprimer").click()
    expect(page.get_by_text("mettez-le hors service plutôt que de le supprimer")).to_be_visible()
    page.locator(".notice.failed").get_by_role("button", name="Mettre hors service").click()
    expect(page.get_by_test_id("state")).to_contain_text("Hors ligne")
    page.locator(".notice.done").get_by_role("button", name="Annuler").click()
    expect(page.get_by_test_id("state")).to_contain_text("Réservé")


def test_a_poste_tells_what_it_is_and_how_quickly_it_answers(house: House, open_page: OpenPage) -> None:
    ready(house, "demo-04")
    page = open_page("/postes/demo-04")
    expect(page.get_by_test_id("state")).to_contain_text("Libre")
    expect(section(page, "La machine")).to_contain_text("simulated")
    section(page, "Commandes").get_by_role("button", name="Se montrer").click()
    order = page.locator("tr[data-order=identify]")
    expect(order).to_contain_text("Faite")
    expect(order).to_contain_text("Réponse en")
    section(page, "Commandes").get_by_label("Message").fill("Bonjour")
    section(page, "Commandes").get_by_role("button", name="Message").click()
    wait_until(lambda: house.poste("demo-04").machine.shown == "Bonjour", what="shown")
    expect(page.locator("tr[data-order=message]")).to_contain_text("Bonjour")
    page.get_by_role("button", name="En maintenance").click()
    expect(page.get_by_test_id("state")).to_contain_text("Maintenance")
    wait_until(lambda: house.poste("demo-04").phase == "maintenance", what="maintenance")
    page.get_by_role("button", name="En service").click()
    expect(page.get_by_test_id("state")).to_contain_text("Libre")
    check_axe(page)


def test_an_order_waits_for_a_poste_that_is_away_or_is_refused(open_page: OpenPage) -> None:
    page = open_page("/postes/absent")
    orders = section(page, "Commandes")
    orders.get_by_role("button", name="Resynchroniser").click()
    expect(page.locator("tr[data-order=resync]")).to_contain_text("Attend son retour")
    page.get_by_role("button", name="Retirer : Resynchroniser").click()
    expect(page.locator("tr[data-order=resync]")).to_contain_text("Retirée")
    orders.get_by_label("S’il est absent").uncheck()
    orders.get_by_role("button", name="Se montrer").click()
    expect(page.get_by_text("il est éteint ou débranché")).to_be_visible()
    orders.get_by_role("button", name="Réveiller").click()
    expect(page.get_by_text("L’adresse MAC de ce poste n’est pas connue")).to_be_visible()


def test_a_key_is_shown_once_works_and_is_taken_away(house: House, open_page: OpenPage) -> None:
    page = open_page("/postes/demo-01")
    key = section(page, "Clé")
    key.get_by_role("button", name="Créer une clé").click()
    shown = page.get_by_test_id("key").input_value()
    check_axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Fermer").last.click()
    assert shown not in page.content()

    def beat() -> int:
        headers = {"Authorization": f"Bearer {shown}"}
        address = f"{house.url}/api/postes/demo-01/heartbeat/"
        return httpx.post(address, headers=headers, trust_env=False).status_code

    assert beat() == 200
    key.get_by_role("button", name="Retirer la clé").click()
    page.get_by_role("dialog").get_by_role("button", name="Retirer la clé").click()
    expect(key).to_contain_text("Ce poste n’a pas de clé")
    assert beat() == 401


def test_a_machine_is_enrolled_replaced_and_revoked(house: House, open_page: OpenPage) -> None:
    add(house, "neuf", "Poste neuf")
    page = open_page("/postes/neuf")
    card, dialog = section(page, "Enrôlement"), page.get_by_role("dialog")

    def prove(name: str, token: str) -> int:
        machine = {"nom": name, "empreinte": secrets.token_hex(32)}
        said = {"jeton": token, "mot_de_passe": secrets.token_urlsafe(32), "machine": machine}
        return httpx.post(f"{house.url}/api/enrolement/", json=said, trust_env=False).status_code

    expect(card).to_contain_text("Aucune machine n’est encore ce poste")
    card.get_by_role("button", name="Enrôler une machine").click()
    token = page.get_by_test_id("token").inner_text()
    assert f"ppm kiosk enrol {house.url}" in page.get_by_test_id("command").inner_text()
    check_axe(page)
    dialog.get_by_role("button", name="Fermer").last.click()
    assert token not in page.content()
    expect(card.get_by_test_id("open-enrolment")).to_contain_text("est valable jusqu’à")
    assert [prove("pc-1", token), prove("pc-2", token)] == [200, 403]
    page.reload()
    expect(card).to_contain_text("La machine pc-1 est ce poste")

    card.get_by_role("button", name="Remplacer la machine").click()
    dialog.get_by_role("button", name="Enrôler une machine").click()
    second = page.get_by_test_id("token").inner_text()
    dialog.get_by_role("button", name="Fermer").last.click()
    card.get_by_role("button", name="Retirer le jeton").click()
    expect(card.get_by_test_id("open-enrolment")).to_be_hidden()
    assert prove("pc-2", second) == 403

    card.get_by_role("button", name="Révoquer la machine").click()
    dialog.get_by_role("button", name="Révoquer la machine").click()
    expect(card).to_contain_text("La machine de ce poste est révoquée")
    expect(card.get_by_role("button", name="Enrôler une machine")).to_be_visible()


def test_a_lecteur_looks_and_an_operateur_changes_no_record(house: House, open_page: OpenPage) -> None:
    lecteur, desk = operateur(house, "lecteur", "lecteur"), operateur(house, "desk", "operateur")
    page = open_page("/postes", **lecteur)
    expect(row(page, "demo-01")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.goto(house.url + "/postes/demo-01")
    expect(section(page, "Ce qui est voulu")).to_contain_text("En service")
    for name in ("Modifier", "En maintenance", "Se montrer", "Créer une clé"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page = open_page("/postes/demo-01", **desk)
    expect(page.get_by_role("button", name="Se montrer")).to_be_visible()
    expect(page.get_by_role("button", name="Modifier")).to_have_count(0)
    expect(page.get_by_role("button", name="Supprimer")).to_have_count(0)


def test_a_poste_that_is_not_there_is_said_so(open_page: OpenPage) -> None:
    page = open_page("/postes/nulle-part")
    expect(page.get_by_text("Ce poste n’existe pas")).to_be_visible()
