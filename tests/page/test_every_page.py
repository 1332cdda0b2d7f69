"""What holds for every page, whichever there are: they are taken from the page's own router."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.axe import LOOKS, check_axe
from tests.page.browsers import log_in
from tests.page.gallery import shots
from tests.page.house import House
from tests.page.life import Life, furnish, remember
from tests.page.watch import watched

EVIL = "<img src=x onerror=window.ran=1>"
PEOPLE = tuple((f"{EVIL}{number}", EVIL) for number in range(4))
SCREENS = {
    "a telephone of 320 px, or 400 % of a screen of 1280": (320, 640),
    "200 % of a screen of 1280": (640, 512),
    "a screen": (1280, 1024),
}
_ROUTER = "document.getElementById('page').__vue_app__.config.globalProperties.$router"
_LOOKING = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def life(house: House) -> Life:
    """Visitors, codes, bookings and notes that are called as if they were scripts."""
    with house.client() as client:
        client.put(
            "/postes/demo-01/", json={"nom": EVIL, "emplacement": EVIL, "notes": EVIL}
        ).raise_for_status()
        texts = {"notice": EVIL, "charte": EVIL, "nom": f"Médiathèque {EVIL}"}
        client.put("/sites/demo/", json=texts).raise_for_status()
    made = furnish(house, PEOPLE, EVIL)
    remember(house, weeks=2, today=datetime.now(UTC).date())
    return made


@pytest.fixture(scope="module")
def addresses(life: Life) -> dict[str, list[str]]:
    """Where each route of the router can be seen. One that is not here fails the test."""
    site = "/reglages/sites/demo"
    return {
        "/utilisateurs/:id(\\d+)": [f"/utilisateurs/{life.person}"],
        "/sessions/:id(\\d+)": [f"/sessions/{life.session}"],
        "/postes/:poste": ["/postes/demo-01"],
        "/reglages/sites/:slug/:tab(horaires|regles|personnes|textes)?": [
            site, *(f"{site}/{tab}" for tab in ("horaires", "regles", "personnes", "textes"))
        ],
        "/:rest(.*)*": ["/plan/nulle-part"],
    }  # fmt: skip


@pytest.fixture
def page(house: House, life: Life, browser: Browser) -> Iterator[Page]:
    """A browser of the administrator; at the end: no error, no foreign request, no script that ran."""
    context = browser.new_context(locale="fr-FR", viewport={"width": 1280, "height": 1024})
    page = context.new_page()
    page.add_init_script(f"{{{_LOOKING}}}")
    noted = watched(page, house.url)
    page.goto(house.url)
    log_in(page, house.login, house.password)
    yield page
    assert page.evaluate("window.ran") is None
    context.close()
    noted.check()


def every(page: Page, addresses: dict[str, list[str]]) -> list[str]:
    """Where the pages of the router are."""
    routes: list[str] = page.evaluate(
        f"{_ROUTER}.getRoutes().filter(one => !one.redirect).map(one => one.path)"
    )
    assert len(routes) > 20
    named = (addresses[route] if re.search(r"[:(]", route) else [route] for route in routes)
    return [address for some in named for address in some]


def all_of(page: Page, addresses: dict[str, list[str]]) -> Iterator[str]:
    """Go to every page of the router, one after the other."""
    for address in every(page, addresses):
        page.evaluate(f"path => {_ROUTER}.push(path)", address)
        page.locator("h1").first.wait_for(state="attached")
        page.evaluate("settled()")
        yield address


def test_every_page_has_its_picture(page: Page, addresses: dict[str, list[str]], life: Life) -> None:
    pictured = {urlsplit(shot.path).path for shot in shots(life).values()}
    assert set(every(page, addresses)) - pictured == set(addresses["/:rest(.*)*"])


@pytest.mark.timeout(240)
def test_every_page_can_be_read_by_anybody_in_every_theme(
    page: Page, addresses: dict[str, list[str]]
) -> None:
    for _ in all_of(page, addresses):
        check_axe(page, LOOKS)


def test_nothing_is_cut_or_wider_than_the_screen_however_small_or_enlarged(
    page: Page, addresses: dict[str, list[str]]
) -> None:
    wrong = []
    for address in all_of(page, addresses):
        for what, (width, height) in SCREENS.items():
            page.set_viewport_size({"width": width, "height": height})
            if page.evaluate("whatIsCut()"):
                page.wait_for_timeout(500)  # charts follow the screen a moment later
            wrong += [f"{address} on {what}: {one}" for one in page.evaluate("whatIsCut()")]
    assert not wrong, "\n".join(wrong)


def test_the_tabulator_goes_through_every_page_and_one_sees_where_one_is(
    page: Page, addresses: dict[str, list[str]]
) -> None:
    wrong = []
    for address in all_of(page, addresses):
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        for _ in range(60):
            page.keyboard.press("Tab")
            at = page.evaluate("whereFocusIs()")
            if at is None:
                break
            wrong += [f"{address}: {name}: {at['said']}" for name in ("isSeen", "isMarked") if not at[name]]
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_a_name_that_is_a_script_is_a_name_on_every_page(page: Page, addresses: dict[str, list[str]]) -> None:
    told = []
    for address in all_of(page, addresses):
        assert page.locator("img[src=x]").count() == 0, address
        if page.locator("body").inner_text().count(EVIL):
            told.append(address)
    expect(page.locator("body")).not_to_contain_text("&lt;")
    wanted = {
        "/",
        "/utilisateurs",
        "/sessions",
        "/sessions/lots",
        "/sessions/reservations",
        "/plan",
        "/mur",
        "/postes",
        "/journal",
    }
    assert wanted <= set(told), told


def test_a_name_that_is_a_script_is_a_name_on_paper_and_in_files(
    house: House, life: Life, page: Page, tmp_path: Path
) -> None:
    page.locator("[data-poste]").first.wait_for()
    for key in ("n", "Enter", "Enter"):
        page.keyboard.press(key)
    page.get_by_test_id("code").wait_for()
    page.evaluate("document.body.classList.add('prints-part')")
    page.emulate_media(media="print")
    expect(page.locator(".paper-ticket")).to_contain_text(f"Médiathèque {EVIL}")
    assert page.locator("img[src=x]").count() == 0
    with house.client() as client:
        given = client.get(f"/utilisateurs/{life.person}/export/")
    with zipfile.ZipFile(io.BytesIO(given.content)) as archive:
        archive.extract("donnees.html", tmp_path)
    handed = page.context.new_page()
    handed.goto((tmp_path / "donnees.html").as_uri())
    expect(handed.locator("body")).to_contain_text(EVIL)
    assert handed.locator("img[src=x]").count() == 0
    assert handed.evaluate("window.ran") is None
