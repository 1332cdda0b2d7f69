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
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless Chromium until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*_FLAGS, *flags])
        yield browser
        browser.close()


def log_in(page: Page, login: str, password: str) -> None:
    """Fill the form that the page shows, and wait for what is behind it."""
    page.get_by_label("Identifiant").fill(login)
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Entrer").click()
    page.locator("#main, .bare-page").first.wait_for()
