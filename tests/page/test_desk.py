"""The desk: what an operator does is seen on the page, on a second browser, and on the poste."""

import re
import time
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.axe import check_axe
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.waiting import wait_until


def tile(page: Page, slug: str) -> Locator:
    return page.locator(f"[data-poste={slug}]")


def free(house: House, slug: str) -> bool:
    return house.poste(slug).is_free


def give_code(page: Page, minutes_key: str = "4") -> str:
    """From the keyboard alone: an anonymous visitor's code."""
    page.keyboard.press("n")
    page.get_by_role("combobox").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Donner le code").wait_for()
    page.keyboard.press(minutes_key)
    page.keyboard.press("Enter")
    code = page.get_by_test_id("code").inner_text().replace(" ", "")
    page.keyboard.press("Escape")
    return code


def seat(house: House, page: Page, slug: str, minutes_key: str = "4") -> None:
    """A visitor with a code of the desk sits down at a poste."""
    code = give_code(page, minutes_key)
    house.does(slug, lambda one: one.type_code(code))
    wait_until(lambda: house.poste(slug).phase == "active", what=f"{slug} open")
    expect(tile(page, slug).locator(".left")).to_be_visible()  # the poste knows it before the board does


def test_a_code_from_the_desk_opens_a_poste_and_every_board_shows_it(
    house: House, open_page: OpenPage
) -> None:
    desk, other = open_page(), open_page()
    seat(house, desk, "demo-01", "2")
    for page in (desk, other):
        expect(tile(page, "demo-01")).to_have_attribute("data-state", "occupe")
        expect(tile(page, "demo-01")).to_contain_text("Anonyme")
        expect(tile(page, "demo-01")).to_contain_text("29")
    house.does("demo-01", lambda one: one.end_session())
    for page in (desk, other):
        expect(tile(page, "demo-01")).to_have_attribute("data-state", "disponible")


def test_time_is_added_taken_back_and_the_poste_knows(house: House, page: Page, open_page: OpenPage) -> None:
    other = open_page()
    seat(house, page, "demo-02", "2")
    tile(page, "demo-02").locator(".face").focus()
    page.keyboard.press("+")
    expect(page.get_by_role("status").filter(has_text="15 min de plus")).to_be_visible()
    expect(tile(other, "demo-02").locator(".left")).to_have_text("44 min")
    page.get_by_role("button", name="Annuler").click()
    expect(tile(other, "demo-02").locator(".left")).to_have_text("29 min")


def test_a_session_is_paused_resumed_and_ended_by_keys(house: House, page: Page) -> None:
    seat(house, page, "demo-03")
    face = tile(page, "demo-03").locator(".face")
    face.focus()
    page.keyboard.press("p")
    expect(tile(page, "demo-03")).to_have_attribute("data-state", "suspendue")
    wait_until(lambda: house.poste("demo-03").phase == "suspended", what="paused")
    page.keyboard.press("p")
    expect(tile(page, "demo-03")).to_have_attribute("data-state", "occupe")
    face.focus()
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_role("button", name="Terminer").click()
    expect(tile(page, "demo-03")).to_have_attribute("data-state", "disponible")
    wait_until(lambda: house.poste("demo-03").is_free, what="free")


def test_a_request_for_time_is_granted_with_one_key(house: House, page: Page) -> None:
    seat(house, page, "demo-04", "1")
    house.does("demo-04", lambda one: one.ask_time(900))
    expect(page.get_by_text("demande 15 min sur Poste 4")).to_be_visible()
    page.keyboard.press("a")
    expect(tile(page, "demo-04").locator(".left")).to_contain_text("29")
    expect(page.get_by_text("demande 15 min sur Poste 4")).to_be_hidden()
    house.does("demo-04", lambda one: one.ask_time(1800))
    expect(page.get_by_text("demande 30 min sur Poste 4")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_text("demande 30 min sur Poste 4")).to_be_hidden()
    expect(tile(page, "demo-04").locator(".left")).to_contain_text("29")


def test_a_poste_that_goes_is_told_at_once(house: House, page: Page) -> None:
    house.does("demo-05", lambda one: one.crash())
    expect(tile(page, "demo-05")).to_have_attribute("data-state", "hors_ligne", timeout=20_000)
    house.does("demo-05", lambda one: one.restart())
    expect(tile(page, "demo-05")).to_have_attribute("data-state", "disponible")


def test_six_keystrokes_after_the_name_and_ten_seconds_give_a_known_person_a_code(
    house: House, page: Page
) -> None:
    with house.client() as client:
        client.post(
            "/utilisateurs/", json={"nom": "Payet", "prenom": "Hélène", "consentement_rgpd": True}
        ).raise_for_status()
    began = time.monotonic()
    page.keyboard.press("n")
    page.get_by_role("combobox").wait_for()
    page.keyboard.type("hel")
    for key in ("Enter", "3", "Enter"):  # as quickly as it goes: nothing that is typed is lost
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Code pour Hélène Payet")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("45 min")
    assert time.monotonic() - began < 10


def test_whoever_waits_is_called_when_a_poste_is_free_and_gets_a_code(house: House, page: Page) -> None:
    page.keyboard.press("f")
    page.keyboard.type("Zoé")
    page.keyboard.press("Enter")
    needs = page.get_by_role("region", name="À faire")
    expect(needs).to_contain_text("Zoé est appelé(e)")
    expect(page.get_by_role("region", name="File d’attente")).to_contain_text("appelé(e) sur Poste")
    needs.get_by_role("button", name="Donner le code").click()
    expect(page.get_by_test_id("code")).to_be_visible()
    page.keyboard.press("Escape")
    expect(needs.get_by_text("Zoé")).to_be_hidden()
    page.get_by_role("button", name="Annuler : Zoé").or_(
        page.get_by_role("button", name="Annuler : Anonyme")
    ).first.click()


def test_a_session_moves_to_another_poste(house: House, page: Page) -> None:
    seat(house, page, "demo-01")
    tile(page, "demo-01").locator(".face").click()
    page.get_by_label("Transférer vers").select_option(label="Poste 6")
    page.get_by_role("dialog").get_by_role("button", name="Confirmer").last.click()
    expect(tile(page, "demo-06")).to_have_attribute("data-state", "occupe")
    wait_until(lambda: house.poste("demo-06").phase == "active", what="moved")
    expect(tile(page, "demo-01")).to_have_attribute("data-state", "disponible")
    house.does("demo-06", lambda one: one.end_session())


def test_several_sessions_are_acted_on_at_once(house: House, page: Page) -> None:
    for slug in ("demo-01", "demo-02"):
        if not house.poste(slug).is_free:
            house.does(slug, lambda one: one.end_session())
        wait_until(partial(free, house, slug), what="free")
        seat(house, page, slug, "1")
    page.get_by_role("button", name="Choisir plusieurs").click()
    for slug in ("demo-01", "demo-02"):
        tile(page, slug).locator(".face").click()
    expect(page.get_by_text("2 choisis")).to_be_visible()
    page.get_by_role("toolbar").get_by_role("button", name="+15 min").click()
    for slug in ("demo-01", "demo-02"):
        expect(tile(page, slug).locator(".left")).to_contain_text("29")
    page.get_by_role("status").get_by_role("button", name="Annuler").last.click()
    for slug in ("demo-01", "demo-02"):
        expect(tile(page, slug).locator(".left")).to_contain_text("14")
        house.does(slug, lambda one: one.end_session())


def test_what_was_done_is_undone_where_it_was_done_in_a_dialog_too(house: House, page: Page) -> None:
    tile(page, "demo-05").locator(".face").click()
    page.get_by_role("dialog").get_by_role("button", name="Mettre en maintenance").click()
    expect(tile(page, "demo-05")).to_have_attribute("data-state", "maintenance")
    page.get_by_role("status").get_by_role("button", name="Annuler").click()
    expect(tile(page, "demo-05")).to_have_attribute("data-state", "disponible")
    wait_until(partial(free, house, "demo-05"), what="free")


def test_a_refusal_says_why(house: House, page: Page) -> None:
    seat(house, page, "demo-03", "6")
    tile(page, "demo-03").locator(".face").focus()
    for _ in range(5):
        page.keyboard.press("Shift+NumpadAdd")
    notice = page.locator(".notice.failed")
    expect(notice.first).to_contain_text("Motif")
    notice.first.get_by_role("button", name="Voir les règles").click()
    expect(page.get_by_label("Durée maximale d’une session")).to_be_visible()
    house.does("demo-03", lambda one: one.end_session())


def test_a_refusal_offers_what_to_do_about_it(house: House, page: Page) -> None:
    tile(page, "demo-05").locator(".face").click()
    page.get_by_role("dialog").get_by_role("button", name="Nouvelle session").click()
    page.get_by_role("combobox", name="Nom").wait_for()
    with house.client() as client:
        client.put("/postes/demo-05/status/", json={"statut": "maintenance"}).raise_for_status()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Donner le code").click()
        refused = page.locator(".notice.failed")
        expect(refused).to_contain_text("Ce poste est en maintenance")
        refused.get_by_role("button", name="Tout poste libre").click()
        expect(page.get_by_test_id("code")).to_be_visible()
        expect(page.get_by_role("dialog")).to_contain_text("Tout poste libre")
        page.keyboard.press("Escape")
        client.put("/postes/demo-05/status/", json={"statut": "disponible"}).raise_for_status()
        person = {"nom": "Técher", "prenom": "Yolaine", "consentement_rgpd": True}
        number = client.post("/utilisateurs/", json=person).json()["id"]
        page.keyboard.press("n")
        page.keyboard.type("yolaine")
        page.get_by_role("option", name="Yolaine Técher").wait_for()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Donner le code").wait_for()
        client.put(f"/utilisateurs/{number}/", json={"consentement_rgpd": False}).raise_for_status()
        page.keyboard.press("Enter")
    expect(refused.last).to_contain_text("n’a pas donné son accord")
    refused.last.get_by_role("button", name="Voir sa fiche").click()
    expect(page.get_by_role("heading", name="Yolaine Técher")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_message_reaches_the_poste(house: House, page: Page) -> None:
    tile(page, "demo-06").locator(".face").focus()
    page.keyboard.press("m")
    page.keyboard.type("On ferme dans dix minutes")
    page.keyboard.press("Enter")
    expect(page.locator(".notice.done").last).to_contain_text("Message envoyé")


def test_a_name_that_is_a_script_is_only_a_name(house: House, page: Page) -> None:
    evil = "<img src=x onerror=alert(1)>"
    with house.client() as client:
        said = {"nom": evil, "prenom": "<b>Bob</b>", "consentement_rgpd": True}
        person = client.post("/utilisateurs/", json=said).json()["id"]
        made = {"site": "demo", "duree_initiale": 1800, "utilisateur": person, "poste": "demo-06"}
        client.post("/sessions/", json=made).raise_for_status()
    page.on("dialog", lambda _: pytest.fail("a script ran"))
    expect(tile(page, "demo-06")).to_contain_text("<b>Bob</b> <.")
    page.keyboard.press("/")
    page.keyboard.type("bob")
    expect(page.get_by_role("option").filter(has_text=evil)).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Redonner le code : <b>Bob</b>").click()
    expect(page.get_by_role("dialog")).to_contain_text(evil)
    page.keyboard.press("Escape")
    assert page.locator("main img, dialog img").count() == 0
    page.get_by_role("button", name="Annuler : <b>Bob</b>").click()


def test_the_ticket_alone_is_printed(house: House, page: Page) -> None:
    page.evaluate("() => { window.print = () => { window.printed = document.body.innerText } }")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    code = page.get_by_test_id("code").inner_text()
    page.emulate_media(media="print")
    page.keyboard.press("i")
    printed = page.evaluate("window.printed")
    assert code in printed
    assert "Médiathèque de démonstration" in printed
    assert "Poste 1" not in printed


@pytest.mark.parametrize("width", [1366, 390])
def test_axe_finds_nothing_on_the_desk_and_its_dialogs(house: House, open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    tile(page, "demo-01").wait_for()
    check_axe(page)
    for keys in ("n", "/", "?"):
        page.keyboard.press(keys)
        page.get_by_role("dialog").wait_for()
        check_axe(page)
        page.keyboard.press("Escape")
    tile(page, "demo-01").locator(".face").click()
    check_axe(page)
    page.keyboard.press("Escape")
    expect(tile(page, "demo-01").locator(".face")).to_be_focused()


def test_what_the_desk_looks_at_is_remembered(page: Page) -> None:
    chosen = page.get_by_role("button", name=re.compile("occupés?$"))
    chosen.click()
    page.get_by_role("link", name="Postes", exact=True).click()
    page.get_by_role("heading", name="Postes").wait_for()
    page.get_by_role("link", name="Accueil", exact=True).click()
    expect(chosen).to_have_attribute("aria-pressed", "true")


def test_arrows_move_over_the_board_and_the_page_says_its_keys(page: Page) -> None:
    page.keyboard.press("ArrowRight")
    expect(tile(page, "demo-01").locator(".face")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tile(page, "demo-02").locator(".face")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(tile(page, "demo-06").locator(".face")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Les touches")).to_contain_text("Ajouter 30 minutes")
