"""The operators' page in a real Chromium, before a real room."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.page.house import House, housed
from tests.page.watch import Watched, watched

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A room of six postes for the tests of a module: each uses postes of its own, or leaves them as they were."""
    with housed(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: while it is there its thread has a running loop, which other tests want for themselves."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(house: House, browser: Browser) -> Iterator[OpenPage]:
    """Opens pages, each in a browser of its own, logged in at an address. At the end: no error, no foreign request."""
    with ExitStack() as stack:
        all_watched: list[Watched] = []

        def open_one(path: str = "/", *, login: str = "", password: str = "", **context: object) -> Page:
            made: BrowserContext = browser.new_context(
                **{"viewport": {"width": 1366, "height": 768}, "locale": "fr-FR", **context}  # type: ignore[arg-type]
            )
            stack.callback(made.close)
            page = made.new_page()
            page.set_default_timeout(10_000)
            all_watched.append(watched(page, house.url))
            page.goto(house.url + path)
            page.get_by_label("Identifiant").fill(login or house.login)
            page.get_by_label("Mot de passe").fill(password or house.password)
            page.get_by_role("button", name="Entrer").click()
            page.locator("#main, .bare-page").first.wait_for()
            return page

        yield open_one
        for one in all_watched:
            one.check()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The desk, logged in as the administrator."""
    page = open_page()
    page.locator("[data-poste]").first.wait_for()
    return page
