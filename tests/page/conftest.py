"""The operators' page in a real Chromium, before a real room."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fleet.usecases import passwords
from tests.page.browsers import chromium, enter
from tests.page.house import House, housed
from tests.page.watch import Watched, watched

_WRONG_CLOCK = """
{
  const right = Date, off = HOURS * 3600_000;
  window.Date = class extends right {
    constructor(...said) { super(...(said.length ? said : [right.now() + off])); }
    static now() { return right.now() + off; }
  };
}
"""
OpenPage = Callable[..., Page]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Somebody logs in for nearly every test; the strength of the hash is tested by itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A room of six postes for the tests of a module: each uses postes of its own, or leaves them as they were."""
    with housed(
        tmp_path_factory.mktemp("house"), PPM_ENROL_BROKER_URL="mqtts://postes.example:8883"
    ) as house:
        yield house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: while it is there its thread has a running loop, which other tests want to have."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(house: House, browser: Browser) -> Iterator[OpenPage]:
    """Opens pages, each in a browser of its own, logged in at an address. At the end: no error, no foreign request."""
    with ExitStack() as stack:
        all_watched: list[Watched] = []

        def open_one(
            path: str = "/", *, login: str = "", password: str = "", wrong_clock_h: int = 0, **context: object
        ) -> Page:
            made: BrowserContext = browser.new_context(
                **{"viewport": {"width": 1366, "height": 768}, "locale": "fr-FR", **context}  # type: ignore[arg-type]
            )
            stack.callback(made.close)
            page = made.new_page()
            if wrong_clock_h:
                page.add_init_script(_WRONG_CLOCK.replace("HOURS", str(wrong_clock_h)))
            page.set_default_timeout(10_000)
            all_watched.append(watched(page, house.url))
            enter(page, house.url, login or house.login, password or house.password)
            page.goto(house.url + path)
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
