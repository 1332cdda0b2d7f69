"""The wall display: what is free and whose turn it is, nobody's name, and the truth about its own age."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.axe import check_axe
from tests.page.house import House
from tests.page.people import operateur
from tests.page.watch import watched
from tests.support.proxy import Proxy


@pytest.fixture(scope="module")
def login(house: House) -> dict[str, str]:
    """An account that may look, and no more."""
    return operateur(house, "mur", "lecteur")


@pytest.fixture
def wire(house: House) -> Iterator[Proxy]:
    """What is between the screen and the server."""
    with Proxy(int(house.url.rsplit(":", 1)[1])) as wire:
        yield wire


@pytest.fixture
def wall(house: House, browser: Browser, login: dict[str, str], wire: Proxy) -> Iterator[Page]:
    """The big screen."""
    url = f"http://{wire.host}:{wire.port}"
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(10_000)
    noted = watched(page, url)
    page.goto(f"{url}/mur")
    page.get_by_label("Identifiant").fill(login["login"])
    page.get_by_label("Mot de passe").fill(login["password"])
    page.get_by_role("button", name="Entrer").click()
    page.locator(".free li, .none").first.wait_for()
    yield page
    context.close()
    noted.check()


def test_it_tells_what_is_free_and_who_is_next_by_number_alone(house: House, wall: Page) -> None:
    expect(wall.get_by_test_id("free")).to_have_text("6")
    expect(wall.locator(".free li")).to_have_count(6)
    expect(wall.locator(".clock")).to_be_visible()
    with house.client() as client:
        site = client.get("/sites/").json()["resultats"][0]["slug"]
        for number in range(1, 7):
            if number > 1:
                client.post(f"/postes/demo-0{number}/marquer_maintenance/").raise_for_status()
        expect(wall.get_by_test_id("free")).to_have_text("1")
        expect(wall.get_by_text("5 indisponibles")).to_be_visible()
        body = {"site": site, "duree": 600, "prenom": "Rose-Marie"}
        first, second = (client.post("/attente/", json=body).json() for _ in range(2))
        expect(wall.locator(f".called [data-ticket='{first['numero']}']")).to_contain_text("Poste 1")
        expect(wall.locator(f"ol [data-ticket='{second['numero']}']")).to_be_visible()
        expect(wall.get_by_test_id("none")).to_be_visible()
        assert "Rose" not in wall.content()
        check_axe(wall)
        for ticket in (first, second):
            client.post(f"/attente/{ticket['id']}/give_up/").raise_for_status()
        for number in range(2, 7):
            client.post(f"/postes/demo-0{number}/marquer_disponible/").raise_for_status()
    expect(wall.get_by_test_id("free")).to_have_text("6")
    expect(wall.get_by_text("Personne n’attend")).to_be_visible()


def test_a_change_of_hours_is_on_the_wall_at_once(house: House, wall: Page) -> None:
    expect(wall.get_by_test_id("hours")).to_have_text("Ouvert")
    with house.client() as client:
        site = client.get("/sites/").json()["resultats"][0]["slug"]
        day = {str(number): [["00:00", "23:59"]] for number in range(7)}
        client.put(f"/sites/{site}/", json={"horaires": day}).raise_for_status()
        expect(wall.get_by_test_id("hours")).not_to_have_text("Ouvert")
        client.put(f"/sites/{site}/", json={"horaires": {}}).raise_for_status()
    expect(wall.get_by_test_id("hours")).to_have_text("Ouvert")


def test_it_says_within_ten_seconds_that_it_is_not_up_to_date(wall: Page, wire: Proxy) -> None:
    alert = wall.get_by_role("alert")
    expect(alert).to_have_count(0)
    time.sleep(4)  # the line has been heard more than once
    wire.freeze()
    began = time.monotonic()
    expect(alert).to_contain_text("Pas à jour depuis")
    assert time.monotonic() - began < 10
    wire.thaw()
    expect(alert).to_have_count(0, timeout=15_000)


def test_nobody_scrolls_a_wall_and_what_has_no_room_is_counted(wall: Page) -> None:
    wall.set_viewport_size({"width": 640, "height": 270})
    shown = wall.locator(".free li")
    expect(wall.locator(".free .rest")).to_contain_text("autre")
    assert 0 < shown.count() < 6
    for one in (*shown.all(), wall.locator("footer")):
        assert one.evaluate("one => one.getBoundingClientRect().bottom") <= 270
    wall.set_viewport_size({"width": 1920, "height": 1080})
    expect(shown).to_have_count(6)


def test_it_can_be_read_from_two_metres(wall: Page) -> None:
    """2.5 % of the width of a screen of 1.2 m are 3 cm: what is to be read from there is at least as large as that."""
    for place in (".clock", "h1", "h2", ".free li", ".hours", ".queue .rest"):
        size = wall.locator(place).first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        assert size >= 1920 * 0.02, place
