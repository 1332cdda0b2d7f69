"""Debian's Chromium, and how one gets to the page."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*flags: str, whole: bool = False) -> Iterator[Browser]:
    """A headless Chromium until the block ends.

    Its shell is the same browser without the furniture of a window, which takes as much of the machine as the page.
    The whole of it, which is what people have, is for figures, pictures and cameras.
    """
    name = "chromium" if whole else "chromium-headless-shell"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=f"/usr/bin/{name}", args=[*_FLAGS, *flags])
        yield browser
        browser.close()


def enter(page: Page, url: str, login: str, password: str) -> None:
    """Be logged in, cookie and all, as if the form had been filled: the next page that is opened is behind it."""
    answer = page.request.post(f"{url}/api/auth/login/", data={"login": login, "password": password})
    assert answer.ok, answer.text()
    pair = answer.json()
    page.goto(f"{url}/icon.svg")
    page.evaluate(
        """({access, expires_in}) => {
            sessionStorage.setItem("ppm-access", JSON.stringify({access, until: Date.now() + expires_in * 1000}));
            localStorage.setItem("ppm-logged-in", "1");
        }""",
        pair,
    )


def log_in(page: Page, login: str, password: str) -> None:
    """Fill the form that the page shows, and wait for what is behind it."""
    page.get_by_label("Identifiant").fill(login)
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Entrer").click()
    page.locator("#main, .bare-page").first.wait_for()
