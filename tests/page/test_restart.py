"""The server goes and comes back, and a newer page with it: whoever stands at the desk is told, and loses nothing."""

import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from ppm.parts.process import free_port
from tests.page.browsers import enter, log_in
from tests.page.conftest import OpenPage
from tests.page.house import House, housed
from tests.page.people import operateur
from tests.support.waiting import wait_until

_OLD = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVkIGxvbmcgYWdv"
_HALF_PAST = 59 * 60 + 30
"""Seconds. Its postes restart with the house: each keeps what was left when it was last heard, seconds before or not.
A whole number of minutes would show on the page which of both it was."""
Again = Callable[[], AbstractContextManager[House]]


@pytest.fixture
def again(tmp_path: Path, sqlite_template: Path) -> Again:
    """One house that can be left and entered again: what it knows and the keys of its logins stay."""
    kept = tmp_path / "fleet.db"
    kept.write_bytes(sqlite_template.read_bytes())
    settings = {
        "PPM_HTTP_PORT": str(free_port()),
        "PPM_DATABASE_URL": f"sqlite:///{kept}",
        "PPM_JWT_SECRET": secrets.token_hex(32),
        "PPM_CODE_SECRET": secrets.token_hex(32),
    }
    return lambda: housed(tmp_path / "house", postes=2, **settings)


def _with_an_old_token(route: Route) -> None:
    """As the request would be ten minutes later."""
    route.continue_(headers={**route.request.headers, "authorization": _OLD})


def test_a_server_that_starts_again_finds_the_page_where_it_was(again: Again, browser: Browser) -> None:
    page = browser.new_page(locale="fr-FR")
    with again() as house:
        enter(page, house.url, **operateur(house, "accueil", "operateur"))
        page.goto(house.url)
        with house.client() as client:
            said = {"poste": "demo-01", "duree_initiale": _HALF_PAST}
            code = client.post("/sessions/", json=said).json()["code_acces"]
        house.does("demo-01", lambda one: one.type_code(code))
        wait_until(lambda: house.poste("demo-01").phase == "active", what="open")
        left = page.locator("[data-poste=demo-01] .left")
        expect(left).to_contain_text("59 min")
    expect(page.get_by_text(re.compile("Coupé du serveur depuis \\d"))).to_be_visible()
    expect(page.locator(".tile.stale").first).to_be_visible()
    page.locator("[data-poste=demo-01] .face").focus()
    page.keyboard.press("+")
    expect(page.locator(".notice.failed")).to_contain_text("serveur")
    expect(left).to_contain_text(
        "59 min"
    )  # it counts down by the deadline that it knows, and promises nothing
    with again():
        expect(page.get_by_text("Coupé du serveur")).to_be_hidden(timeout=20_000)
        page.keyboard.press("+")
        expect(left).to_have_text("1 h 14", timeout=20_000)
    page.context.close()


def test_a_page_that_is_older_than_its_server_says_so(house: House, open_page: OpenPage) -> None:
    page = open_page()
    page.context.route("**/assets/Journal-*.js", lambda route: route.fulfill(status=404))
    page.get_by_role("link", name="Journal").click()
    expect(page.get_by_role("alert")).to_contain_text("La page a changé sur le serveur")
    page.context.unroute("**/assets/Journal-*.js")
    page.get_by_role("button", name="Recharger").click()
    page.get_by_role("link", name="Journal").click()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()


def test_a_login_that_ran_out_asks_again_where_one_was(house: House, browser: Browser) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    enter(page, house.url, house.login, house.password)
    page.goto(f"{house.url}/utilisateurs/nouveau")
    page.get_by_label("Prénom").fill("Gaëlle")
    context.clear_cookies()
    context.route("**/api/utilisateurs*", _with_an_old_token)
    page.get_by_label("Nom", exact=True).fill("Robert")
    page.get_by_role("button", name="Créer la fiche").click()
    dialog = page.get_by_role("dialog", name="Se connecter")
    expect(dialog).to_be_visible()
    context.unroute("**/api/utilisateurs*")
    log_in(page, house.login, house.password)
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Prénom")).to_have_value("Gaëlle")
    page.get_by_role("button", name="Créer la fiche").click()
    expect(page.get_by_role("heading", name="Gaëlle Robert")).to_be_visible()
    context.close()
