"""Logging in, staying in, and what happens when it is over."""

import pytest
from playwright.sync_api import Browser, expect

from fleet.domain.actor import LECTEUR, SYSTEM
from fleet.usecases import logins, operateurs
from fleet.usecases.operateurs import OperateurEdit
from tests.page.conftest import OpenPage
from tests.page.house import House

_PASSWORD = "un mot de passe assez long"


def _operateur(house: House, login: str, role: str) -> int:
    with house.client() as client:
        said = {"login": login, "mot_de_passe": _PASSWORD, "role": role, "sites": ["demo"]}
        made = client.post("/operateurs/", json=said)
        assert made.status_code == 201, made.text
        return int(made.json()["id"])


def test_a_wrong_password_is_told_at_the_form(house: House, browser: Browser) -> None:
    page = browser.new_page(locale="fr-FR")
    page.goto(house.url)
    page.get_by_label("Identifiant").fill(house.login)
    page.get_by_label("Mot de passe").fill("non")
    page.get_by_role("button", name="Entrer").click()
    expect(page.get_by_role("alert")).to_contain_text("mot de passe")
    page.context.close()


def test_a_login_outlives_reloads_however_quick(house: House, open_page: OpenPage) -> None:
    page = open_page()
    for _ in range(4):
        page.goto(house.url, wait_until="commit")
    expect(page.locator("[data-poste]")).to_have_count(6)
    second = page.context.new_page()
    second.goto(house.url)
    expect(second.locator("[data-poste]")).to_have_count(6)


def test_two_tabs_agree_on_who_left(house: House, open_page: OpenPage) -> None:
    page = open_page()
    second = page.context.new_page()
    second.goto(house.url)
    expect(second.locator("[data-poste]")).to_have_count(6)
    second.locator("summary").filter(has_text="Mon compte").click()
    second.get_by_role("button", name="Se déconnecter").click()
    for one in (page, second):
        expect(one.get_by_role("button", name="Entrer")).to_be_visible()


def test_a_lecteur_sees_the_room_and_no_button_that_changes_it(house: House, open_page: OpenPage) -> None:
    _operateur(house, "lecteur", LECTEUR)
    page = open_page(login="lecteur", password=_PASSWORD)
    expect(page.locator("[data-poste]")).to_have_count(6)
    expect(page.get_by_role("button", name="Nouvelle session")).to_have_count(0)
    expect(page.get_by_role("button", name="Prochain poste libre")).to_have_count(0)


def test_a_login_that_is_revoked_asks_again_and_keeps_the_page(house: House, open_page: OpenPage) -> None:
    number = _operateur(house, "revoquee", "operateur")
    page = open_page(login="revoquee", password=_PASSWORD)
    expect(page.locator("[data-poste]")).to_have_count(6)
    logins.revoke_all(house.fleet, SYSTEM, number)
    dialog = page.get_by_role("dialog", name="Se connecter")
    expect(dialog).to_contain_text("Votre connexion a pris fin", timeout=15_000)
    dialog.get_by_label("Identifiant").fill("revoquee")
    dialog.get_by_label("Mot de passe").fill(_PASSWORD)
    dialog.get_by_role("button", name="Entrer").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-poste]")).to_have_count(6)


def test_a_role_that_changes_meanwhile_changes_the_page(house: House, open_page: OpenPage) -> None:
    number = _operateur(house, "change", "operateur")
    page = open_page(login="change", password=_PASSWORD)
    expect(page.get_by_role("button", name="Nouvelle session")).to_be_visible()
    operateurs.edit(house.fleet, SYSTEM, number, OperateurEdit(role=LECTEUR))
    expect(page.get_by_role("button", name="Nouvelle session")).to_have_count(0, timeout=15_000)


@pytest.mark.parametrize("path", ["/nulle-part", "/api/nulle-part"])
def test_other_addresses_are_not_pages(house: House, path: str) -> None:
    with house.client() as client:
        answer = client.get(house.url + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
