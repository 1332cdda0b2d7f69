"""The desk: what an operator does is seen on the page, on a second browser, and on the poste."""

import time

from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.waiting import wait_until


def tile(page: Page, slug: str) -> Locator:
    return page.locator(f"[data-poste={slug}]")


def give_code(page: Page, minutes_key: str = "4") -> str:
    """From the keyboard alone: an anonymous visitor's code."""
    page.keyboard.press("n")
    page.get_by_role("combobox").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Donner le code").wait_for()
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
