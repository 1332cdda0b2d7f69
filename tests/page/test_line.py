"""The page while its line is cut, while its machine's clock is wrong, and how quick it is."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from fleet.domain.actor import SYSTEM
from fleet.usecases import sessions
from tests.page.browsers import chromium, enter, log_in
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

RUNS = 20
GOAL_MS = 300
FIRST_LOAD_MS = 1000
LOADS = 8
DESK_BYTES = 250_000
_NOTED = """new MutationObserver((_, one) => {
    if (!document.querySelector('[data-poste]')) return;
    window.shownAt = performance.now();
    one.disconnect();
}).observe(document, {childList: true, subtree: true});"""
"""When the first poste is on the board, in ms from the beginning of the page."""
_SIZES = """performance.getEntries().filter((one) => ['resource', 'navigation'].includes(one.entryType))
    .filter((one) => !one.name.includes('/api/')).map((one) => [one.name, one.encodedBodySize])"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that people have: what is measured here is what they wait for."""
    with chromium(whole=True) as browser:
        yield browser


@pytest.fixture
def line(house: House) -> Iterator[Proxy]:
    """Between the page and its server."""
    port = urlsplit(house.url).port
    assert port is not None
    with Proxy(port) as proxy:
        yield proxy


def _log_in(page: Page, house: House) -> None:
    log_in(page, house.login, house.password)
    page.locator("[data-poste]").first.wait_for()


def _begin(house: House, slug: str) -> int:
    """A session that runs at a poste."""
    with house.client() as client:
        made = client.post("/sessions/", json={"poste": slug, "duree_initiale": 3600}).json()
    house.does(slug, lambda one: one.type_code(made["code_acces"]))
    wait_until(lambda: house.poste(slug).phase == "active", what="open")
    return int(made["id"])


def test_a_page_that_was_cut_says_so_comes_back_and_has_missed_nothing(
    house: House, browser: Browser, line: Proxy
) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{line.port}/")
    _log_in(page, house)
    expect(page.get_by_text("En direct")).to_be_attached()
    line.cut()
    expect(page.get_by_text("Coupé du serveur")).to_be_visible(timeout=10_000)
    expect(page.locator(".tile.stale").first).to_be_visible()
    _begin(house, "demo-01")
    line.heal()
    expect(page.get_by_text("Coupé du serveur")).to_be_hidden(timeout=15_000)
    expect(page.locator("[data-poste=demo-01]")).to_have_attribute("data-state", "occupe")
    context.close()


def test_a_line_that_is_silent_is_noticed_within_ten_seconds(
    house: House, browser: Browser, line: Proxy
) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{line.port}/")
    _log_in(page, house)
    expect(page.get_by_text("En direct")).to_be_attached()
    line.freeze()
    expect(page.get_by_text("Coupé du serveur")).to_be_visible(timeout=10_000)
    line.thaw()
    expect(page.get_by_text("Coupé du serveur")).to_be_hidden(timeout=15_000)
    context.close()


def test_what_changes_before_the_first_line_is_there_is_seen_when_it_is(
    house: House, browser: Browser
) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    held: list[Route] = []
    page.route("**/api/auth/ws_ticket*", lambda route: held.append(route))
    page.goto(house.url)
    _log_in(page, house)
    expect(page.locator("[data-poste=demo-05]")).to_have_attribute("data-state", "disponible")
    _begin(house, "demo-05")
    held.pop().continue_()
    expect(page.locator("[data-poste=demo-05]")).to_have_attribute("data-state", "occupe")
    context.close()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_of_the_browser_changes_no_time(house: House, open_page: OpenPage, hours: int) -> None:
    _begin(house, "demo-02") if house.poste("demo-02").is_free else None
    page = open_page(wrong_clock_h=hours)
    left = page.locator("[data-poste=demo-02] .left")
    expect(left).to_contain_text("59 min")
    expect(page.get_by_text("L’horloge de cet ordinateur est fausse")).to_be_visible()


def test_what_one_desk_does_another_sees_within_a_third_of_a_second(
    house: House, open_page: OpenPage
) -> None:
    number = _begin(house, "demo-03")
    one, other = open_page(), open_page()
    for page in (one, other):
        page.locator("[data-poste=demo-03] .left").wait_for()
    watch = """(before) => new Promise((seen) => {
        const tile = document.querySelector('[data-poste=demo-03] .left');
        const check = () => tile.textContent !== before && seen(performance.timeOrigin + performance.now());
        new MutationObserver(check).observe(tile, {characterData: true, childList: true, subtree: true});
    })"""
    click = """() => {
        const at = performance.timeOrigin + performance.now();
        document.querySelector('[data-poste=demo-03] .acts button').click();
        return at;
    }"""
    took = []
    for _ in range(RUNS):
        page_text = other.locator("[data-poste=demo-03] .left").inner_text()
        seen = other.evaluate_handle(f"({{promise: ({watch})({page_text!r})}})")
        at = one.evaluate(click)
        took.append(seen.evaluate("held => held.promise") - at)
        sessions.add_time(house.fleet, SYSTEM, number, -900)
        expect(other.locator("[data-poste=demo-03] .left")).to_have_text(page_text)
    took.sort()
    print(f"+15 to the other board: p50 {took[RUNS // 2]:.0f} ms, p95 {took[int(RUNS * 0.95)]:.0f} ms")
    assert took[int(RUNS * 0.95)] <= GOAL_MS


def test_the_desk_is_light_and_quickly_there(house: House, browser: Browser) -> None:
    """The first time that a browser comes, with nothing kept; the best of some, as others use this machine too."""
    took: list[float] = []
    sizes: list[tuple[str, int]] = []
    while len(took) < LOADS and min(took, default=FIRST_LOAD_MS + 1) > FIRST_LOAD_MS:
        page = browser.new_page(locale="fr-FR")
        page.add_init_script(_NOTED)
        enter(page, house.url, house.login, house.password)
        page.goto(house.url)
        page.locator("[data-poste]").first.wait_for()
        took.append(page.evaluate("window.shownAt"))
        sizes = page.evaluate(_SIZES)
        page.context.close()
    total = sum(size for _, size in sizes)
    print(f"desk: {total} bytes packed, shown after {', '.join(f'{one:.0f}' for one in took)} ms")
    assert any(".woff2" in name for name, _ in sizes)
    assert total <= DESK_BYTES, sizes
    assert min(took) <= FIRST_LOAD_MS
