"""The pages about sessions, batches of codes and bookings."""

import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.page.axe import check_axe
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.waiting import wait_until

PAPER = {"58": (5, 58, 110), "80": (5, 80, 120), "a4": (1, 210, 297)}
"""Of five codes: how many pieces of paper, and their size in mm."""


def site_of(house: House) -> str:
    with house.client() as client:
        return str(client.get("/sites/").json()["resultats"][0]["slug"])


def made(house: House, poste: str | None = None, **more: Any) -> tuple[int, str]:
    """A session that waits for its code, and the code."""
    with house.client() as client:
        asked = {"duree_initiale": 1800, "site": site_of(house), "poste": poste} | more
        answer = client.post("/sessions/", json=asked)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"]), str(answer.json()["code_acces"])


def begun(house: House, poste: str, **more: Any) -> int:
    """A session that runs at a poste."""
    number, code = made(house, poste, **more)
    house.does(poste, lambda one: one.type_code(code))
    wait_until(lambda: house.poste(poste).phase == "active", what=f"{poste} open")
    return number


def freed(house: House, number: int, poste: str) -> None:
    with house.client() as client:
        client.post(f"/sessions/{number}/terminate/").raise_for_status()
    wait_until(lambda: house.poste(poste).is_free, what=f"{poste} free")


def sheets(pdf: bytes) -> tuple[int, int, int]:
    """How many pages, and how wide and high they are, in mm."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert len(set(boxes)) == 1, boxes
    width, height = (round(float(one) / 72 * 25.4) for one in boxes[0])
    return len(boxes), width, height


def told(page: Page, text: str) -> Locator:
    return page.get_by_role("status").filter(has_text=text)


def story(page: Page) -> Locator:
    return page.get_by_label("Ce qui s’est passé")


def acts(page: Page, name: str) -> Locator:
    return page.get_by_label("Agir sur la session").get_by_role("button", name=name, exact=True)


def test_sessions_are_filtered_searched_sorted_and_current(house: House, open_page: OpenPage) -> None:
    with house.client() as client:
        person = client.post(
            "/utilisateurs/", json={"nom": "Rivière", "prenom": "Léa", "consentement_rgpd": True}
        ).json()["id"]
    first, _ = made(house, "demo-01", utilisateur=person)
    second, _ = made(house)
    page = open_page("/sessions")
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text(f"n° {second}")
    page.get_by_role("searchbox").press_sequentially("riviere")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Léa Rivière")
    page.get_by_label("État").select_option("active")
    expect(page.get_by_text("Aucune session ne correspond.")).to_be_visible()
    page.get_by_label("État").select_option("en_attente")
    page.get_by_label("Poste", exact=True).select_option("demo-01")
    expect(rows).to_have_count(1)
    with house.client() as client:
        client.delete(f"/sessions/{first}/").raise_for_status()
    expect(page.get_by_text("Aucune session ne correspond.")).to_be_visible()
    yesterday = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    page.goto(f"{house.url}/sessions?au={yesterday}")
    expect(page.get_by_text("Aucune session ne correspond.")).to_be_visible()
    page.goto(f"{house.url}/sessions")
    page.get_by_role("button", name="Créée").click()
    expect(rows.first).to_contain_text("n° 1")
    check_axe(page)
    page.get_by_role("button", name="Exporter…").click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Exporter en CSV").click()
    assert "Session n°" in Path(given.value.path()).read_text(encoding="utf-8-sig")
    page.get_by_role("button", name="Exporter…").click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Exporter en XLSX").click()
    assert zipfile.is_zipfile(given.value.path())


def test_a_session_is_extended_paused_ended_and_brought_back_on_its_page(
    house: House, open_page: OpenPage
) -> None:
    number = begun(house, "demo-01")
    page, other = open_page(f"/sessions/{number}"), open_page(f"/sessions/{number}")
    left = other.get_by_role("timer")
    expect(left).to_contain_text("29 min")
    acts(page, "+15 min").click()
    expect(left).to_contain_text("44 min")
    acts(page, "+30 min").click()
    expect(left).to_contain_text("1 h 14")
    page.get_by_label("Ajouter des minutes").fill("-14")
    page.get_by_role("button", name="Confirmer · −14 min").click()
    expect(left).to_contain_text("1 h")
    expect(story(other)).to_contain_text("14 min retirées.")
    acts(page, "Mettre en pause").click()
    wait_until(lambda: house.poste("demo-01").phase == "suspended", what="paused")
    expect(other.get_by_text("En pause", exact=True)).to_be_visible()
    acts(page, "Reprendre").click()
    wait_until(lambda: house.poste("demo-01").phase == "active", what="resumed")
    check_axe(page)
    acts(page, "Terminer").click()
    page.get_by_role("group", name="Terminer la session").get_by_role("button", name="Terminer").click()
    expect(other.get_by_text("Terminée", exact=True).first).to_be_visible()
    acts(page, "Annuler la fin").click()
    expect(other.get_by_text("En pause", exact=True)).to_be_visible()
    expect(story(other)).to_contain_text("La fin de la session est annulée")
    freed(house, number, "demo-01")


def test_a_visitor_who_asks_for_time_is_answered_on_the_page(house: House, open_page: OpenPage) -> None:
    number = begun(house, "demo-01")
    page = open_page(f"/sessions/{number}")
    house.does("demo-01", lambda one: one.ask_time(900))
    expect(page.get_by_text("Le visiteur demande 15 min de plus")).to_be_visible()
    acts(page, "Accorder").click()
    expect(page.get_by_role("timer")).to_contain_text("44 min")
    expect(page.get_by_text("Le visiteur demande")).to_be_hidden()
    freed(house, number, "demo-01")


def test_sessions_move_to_another_poste_and_change_places(house: House, open_page: OpenPage) -> None:
    one, other = begun(house, "demo-01"), begun(house, "demo-02")
    page = open_page(f"/sessions/{one}")
    acts(page, "Changer de poste").click()
    page.get_by_label("Transférer vers").select_option("demo-03")
    acts(page, "Confirmer").click()
    wait_until(lambda: house.poste("demo-03").phase == "active", what="moved")
    expect(page.get_by_role("link", name="Poste 3")).to_be_visible()
    acts(page, "Échanger").click()
    page.get_by_label("Échanger sa place avec").select_option(f"{other}")
    check_axe(page)
    acts(page, "Confirmer").click()
    expect(page.get_by_role("link", name="Poste 2")).to_be_visible()
    expect(story(page)).to_contain_text("La session passe de Poste 1 à Poste 3.")
    for number, poste in ((one, "demo-02"), (other, "demo-03")):
        house.does(poste, lambda one: one.until(lambda seen: seen.phase == "active"))
        freed(house, number, poste)


def test_a_session_that_waits_is_edited_told_again_started_and_cancelled(
    house: House, open_page: OpenPage
) -> None:
    number, code = made(house)
    page = open_page(f"/sessions/{number}")
    acts(page, "Redonner le code").click()
    expect(page.get_by_test_id("code")).to_have_text(f"{code[:3]} {code[3:]}")
    page.keyboard.press("Escape")
    acts(page, "Modifier").click()
    page.get_by_label("Poste", exact=True).select_option("demo-04")
    page.get_by_label("Durée (minutes)").fill("20")
    acts(page, "Enregistrer").click()
    expect(page.get_by_role("link", name="Poste 4")).to_be_visible()
    check_axe(page)
    acts(page, "Démarrer d’ici").click()
    wait_until(lambda: house.poste("demo-04").phase == "active", what="started")
    expect(page.get_by_role("timer")).to_contain_text("19 min")
    freed(house, number, "demo-04")
    number, _ = made(house)
    page.goto(f"{house.url}/sessions/{number}")
    acts(page, "Annuler la session").click()
    page.get_by_role("group", name="Annuler cette session").get_by_role(
        "button", name="Annuler la session"
    ).click()
    expect(story(page)).to_contain_text("Session annulée.")
    page.goto(f"{house.url}/sessions/999999")
    expect(page.get_by_role("heading", name="Cette session n’existe pas")).to_be_visible()


def test_notes_on_a_session_lose_nothing_of_what_another_one_wrote(house: House, open_page: OpenPage) -> None:
    number, _ = made(house)
    page = open_page(f"/sessions/{number}")
    notes = page.get_by_role("textbox", name="Notes")
    notes.fill("Casque prêté.")
    with house.client() as client:
        client.post(f"/sessions/{number}/add_time/", json={"seconds": 60}).raise_for_status()
    page.get_by_role("button", name="Enregistrer").click()
    expect(told(page, "C’est enregistré")).to_be_visible()
    notes.fill("Casque prêté, à rendre.")
    with house.client() as client:
        client.put(f"/sessions/{number}/", json={"notes": "Souris prêtée."}).raise_for_status()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("Quelqu’un d’autre a écrit\u202f: Souris prêtée.")).to_be_visible()
    expect(notes).to_have_value("Casque prêté, à rendre.")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("Quelqu’un d’autre a écrit")).to_be_hidden()
    with house.client() as client:
        assert client.get(f"/sessions/{number}/").json()["notes"] == "Casque prêté, à rendre."


def test_a_batch_of_codes_is_made_printed_told_again_and_cancelled(house: House, open_page: OpenPage) -> None:
    page = open_page("/sessions/lots")
    page.get_by_label("Nombre de codes").fill("5")
    page.get_by_label("Durée (minutes)").fill("45")
    page.get_by_label("Valables pendant (heures)").fill("72")
    page.get_by_label("Notes").fill("Atelier du mardi")
    page.get_by_role("button", name="Créer les codes").click()
    expect(told(page, "5 codes sont prêts")).to_be_visible()
    shown = page.get_by_label("Codes du lot n°").locator("li")
    expect(shown).to_have_count(5)
    codes = shown.all_inner_texts()
    check_axe(page)
    page.evaluate("window.print = () => { window.printed = document.body.className }")
    for width in ("58", "80", "a4"):
        page.get_by_label("Largeur du papier").select_option(width)
        page.get_by_role("button", name="Imprimer", exact=True).click()
        assert page.evaluate("window.printed") == "prints-part"
        page.evaluate("document.body.classList.add('prints-part')")
        page.emulate_media(media="print")
        expect(page.locator(f".paper-{width} .paper-code")).to_have_text(codes)
        expect(page.locator(".paper-ticket").first).to_contain_text("45\u00a0min")
        expect(page.locator("#page")).to_be_hidden()
        assert sheets(page.pdf(prefer_css_page_size=True)) == PAPER[width]
        page.emulate_media(media="screen")
        page.evaluate("document.body.classList.remove('prints-part')")
    house.does("demo-05", lambda one: one.type_code(codes[0].replace(" ", "")))
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("4 sur 5")
    page.get_by_label("Codes du lot n°").get_by_role("button", name="Fermer").click()
    row.get_by_role("button", name="Codes du lot").click()
    expect(shown).to_have_count(4)
    row.get_by_role("button", name="Annuler le lot").click()
    expect(row.get_by_text("Annuler les 4 codes qui n’ont pas servi")).to_be_visible()
    row.get_by_role("button", name="Annuler", exact=True).click()
    expect(told(page, "4 codes annulés")).to_be_visible()
    expect(row).to_contain_text("0 sur 5")
    page.get_by_label("Durée (minutes)").fill("1440")
    page.get_by_role("button", name="Créer les codes").click()
    expect(page.get_by_role("alert")).to_be_visible()
    house.does("demo-05", lambda one: one.end_session())


def test_a_poste_is_booked_for_a_person_or_a_name_served_and_given_up(
    house: House, open_page: OpenPage
) -> None:
    with house.client() as client:
        client.post(
            "/utilisateurs/", json={"nom": "Bègue", "prenom": "Ida", "consentement_rgpd": True}
        ).raise_for_status()
    page = open_page("/sessions/reservations")
    whom = page.get_by_role("combobox", name="Pour qui")
    whom.press_sequentially("begue")
    page.get_by_role("option", name="Ida Bègue").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(whom).to_have_value("Ida Bègue")
    new = page.get_by_label("Nouvelle réservation")
    new.get_by_label("Poste", exact=True).select_option("demo-06")
    page.get_by_role("button", name="Réserver", exact=True).click()
    expect(told(page, "Poste 6 est réservé pour Ida Bègue")).to_be_visible()
    whom.fill("Classe de CM2")
    page.get_by_role("button", name="Réserver", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Ce poste est déjà réservé")).to_be_visible()
    tomorrow = (datetime.now(UTC) + timedelta(days=1, hours=4)).date().isoformat()
    new.get_by_label("Jour").fill(tomorrow)
    page.get_by_role("button", name="Réserver", exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Classe de CM2")
    check_axe(page)
    rows.first.get_by_role("button", name="Donner le code").click()
    code = page.get_by_test_id("code").inner_text().replace(" ", "")
    page.keyboard.press("Escape")
    expect(rows).to_have_count(1)
    house.does("demo-06", lambda one: one.type_code(code))
    wait_until(lambda: house.poste("demo-06").phase == "active", what="served")
    rows.first.get_by_role("button", name="Annuler la réservation de Classe de CM2").click()
    rows.first.get_by_role("button", name="Annuler", exact=True).click()
    expect(page.get_by_text("Aucune réservation ne correspond.")).to_be_visible()
    page.get_by_label("État").select_option("toutes")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Honorée")
    house.does("demo-06", lambda one: one.end_session())
