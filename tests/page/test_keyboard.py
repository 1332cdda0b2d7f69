"""The desk without a mouse: all of its work by keys, with the focus always somewhere one can go on from."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.waiting import wait_until

_MOUSELESS = """addEventListener('pointerdown', () => { window.clicked = true; }, true);"""


@pytest.fixture
def desk(open_page: OpenPage) -> Iterator[Page]:
    """The desk, of somebody who has no mouse."""
    page = open_page()
    page.evaluate(_MOUSELESS)
    page.locator("[data-poste]").first.wait_for()
    yield page
    assert page.evaluate("window.clicked") is None


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focus_is_somewhere(page: Page) -> None:
    """On something that is seen, and that is not the whole page. A moment is given to what draws itself anew."""
    page.wait_for_function(
        """() => {
            const one = document.activeElement;
            return one && one !== document.body && one.isConnected && one.checkVisibility();
        }"""
    )


def tab_to(page: Page, wanted: Locator) -> None:
    """With the tabulator until it is there."""
    wanted.first.wait_for()
    for _ in range(80):
        if wanted.first.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the tabulator does not come to {wanted}")


def face(page: Page, slug: str) -> Locator:
    return page.locator(f"[data-poste={slug}] .face")


def seated(house: House, page: Page, slug: str) -> None:
    """An anonymous visitor with a code of the desk sits down."""
    press(page, "n")
    page.get_by_role("combobox").wait_for()
    press(page, "Enter")
    page.get_by_role("button", name="Donner le code ·").wait_for()
    press(page, "3", "Enter")
    code = page.get_by_test_id("code").inner_text().replace(" ", "")
    press(page, "Escape")
    house.does(slug, lambda one: one.type_code(code))
    expect(page.locator(f"[data-poste={slug}] .left")).to_be_visible()


def test_a_new_person_is_written_agrees_and_has_a_code(desk: Page) -> None:
    press(desk, "n")
    desk.get_by_role("combobox").wait_for()
    desk.keyboard.type("Rosa Bègue")
    press(desk, "Enter")
    agrees = desk.get_by_role("checkbox")
    tab_to(desk, agrees)
    press(desk, "Space")
    tab_to(desk, desk.get_by_role("button", name="Créer la fiche"))
    press(desk, "Enter")
    desk.get_by_role("button", name="Donner le code ·").wait_for()
    focus_is_somewhere(desk)
    press(desk, "2", "Enter")
    expect(desk.get_by_role("heading", name="Code pour Rosa Bègue")).to_be_visible()
    expect(desk.get_by_role("dialog").get_by_text("Fermer", exact=True)).to_be_focused()
    press(desk, "s")
    expect(desk.locator(".spelled")).to_contain_text("comme")
    press(desk, "Escape")
    focus_is_somewhere(desk)


def test_a_session_is_lengthened_shortened_paused_moved_and_ended(house: House, desk: Page) -> None:
    seated(house, desk, "demo-01")
    face(desk, "demo-01").focus()
    press(desk, "+")
    expect(desk.locator("[data-poste=demo-01] .left")).to_have_text("59 min")
    expect(face(desk, "demo-01")).to_be_focused()
    press(desk, "Enter")
    minutes = desk.get_by_label("Ajouter des minutes")
    tab_to(desk, minutes)
    press(desk, "Control+a")
    desk.keyboard.type("-20")
    press(desk, "Enter")
    expect(desk.locator("[data-poste=demo-01] .left")).to_have_text("39 min")
    tab_to(desk, desk.get_by_label("Transférer vers"))
    desk.keyboard.type("Poste 2")
    press(desk, "Tab", "Enter")
    expect(desk.locator("[data-poste=demo-02]")).to_have_attribute("data-state", "occupe")
    focus_is_somewhere(desk)
    face(desk, "demo-02").focus()
    press(desk, "p")
    expect(desk.locator("[data-poste=demo-02]")).to_have_attribute("data-state", "suspendue")
    expect(face(desk, "demo-02")).to_be_focused()
    press(desk, "p")
    expect(desk.locator("[data-poste=demo-02]")).to_have_attribute("data-state", "occupe")
    press(desk, "Enter")
    tab_to(desk, desk.get_by_role("dialog").get_by_role("button", name="Terminer"))
    press(desk, "Enter")
    sure = desk.get_by_text("Terminer la session de")
    expect(sure).to_be_visible()
    focus_is_somewhere(desk)
    tab_to(desk, desk.get_by_role("dialog").get_by_role("button", name="Terminer"))
    press(desk, "Enter")
    expect(desk.locator("[data-poste=demo-02] .left")).to_have_count(0)
    focus_is_somewhere(desk)
    wait_until(lambda: house.poste("demo-02").is_free, what="free")


def test_what_waits_for_an_answer_is_answered_and_the_focus_goes_on(house: House, desk: Page) -> None:
    seated(house, desk, "demo-03")
    house.does("demo-03", lambda one: one.ask_time(900))
    tab_to(desk, desk.get_by_role("button", name="Accorder"))
    press(desk, "Enter")
    expect(desk.get_by_text("demande 15 min")).to_have_count(0)
    focus_is_somewhere(desk)
    house.does("demo-03", lambda one: one.end_session())


def test_the_queue_and_the_codes_that_wait_are_worked_through(desk: Page) -> None:
    press(desk, "f")
    expect(desk.get_by_label("Prénom ou initiales")).to_be_focused()
    for name in ("Ana", "Bob", "Cléo"):
        desk.keyboard.type(name)
        press(desk, "Enter")
        expect(desk.get_by_role("button", name=f"Retirer {name}")).to_be_visible()
        expect(desk.get_by_label("Prénom ou initiales")).to_be_focused()
    for name in ("Ana", "Cléo"):
        tab_to(desk, desk.get_by_role("button", name=f"Retirer {name}"))
        press(desk, "Enter")
        expect(desk.get_by_role("button", name=f"Retirer {name}")).to_have_count(0)
        focus_is_somewhere(desk)
    tab_to(desk, desk.get_by_role("region", name="À faire").get_by_role("button", name="Donner le code"))
    press(desk, "Enter")
    desk.get_by_test_id("code").wait_for()
    press(desk, "Escape")
    expect(desk.get_by_role("region", name="À faire")).to_have_count(0)
    focus_is_somewhere(desk)
    while desk.get_by_role("button", name="Annuler :").count():
        left = desk.get_by_role("button", name="Annuler :").count()
        tab_to(desk, desk.get_by_role("button", name="Annuler :"))
        press(desk, "Enter")
        expect(desk.get_by_role("button", name="Annuler :")).to_have_count(left - 1)
        focus_is_somewhere(desk)


def test_dialogs_give_the_focus_back_and_results_are_said(house: House, desk: Page) -> None:
    face(desk, "demo-04").focus()
    for key in ("n", "/", "?", "Enter", "m"):
        press(desk, key)
        desk.get_by_role("dialog").wait_for()
        press(desk, "Escape")
        expect(face(desk, "demo-04")).to_be_focused()
    press(desk, "m")
    desk.keyboard.type("Bonjour")
    press(desk, "Enter")
    said = desk.locator("[role=status][aria-live=polite]").filter(has_text="Message envoyé")
    expect(said).to_be_visible()
    focus_is_somewhere(desk)
    tab_to(desk, said.get_by_role("button", name="Fermer"))
    press(desk, "Enter")
    expect(said).to_have_count(0)
    focus_is_somewhere(desk)


def test_every_page_is_two_keys_away_and_begins_at_its_content(desk: Page) -> None:
    for letter, address in zip(
        "ujtrspa",
        ("utilisateurs", "journal", "statistiques", "reglages", "sessions", "postes", ""),
        strict=True,
    ):
        press(desk, "g", letter)
        desk.wait_for_url(re.compile(rf"/{address}(/sites)?$"))
        expect(desk.locator("#main")).to_be_focused()
