"""Pictures of the operators' page. `python -m tests.page.gallery FOLDER DOCS` takes them in a room with some life.

All of them go into FOLDER; those that a page of DOCS shows are kept beside it.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import Browser, Page, ViewportSize

from tests.page.browsers import chromium, log_in
from tests.page.house import House, housed
from tests.support.waiting import wait_until

DESK, PHONE, WALL = (ViewportSize(width=w, height=h) for w, h in ((1366, 768), (390, 844), (1920, 1080)))
_SETTLE_MS = 600
_PEOPLE = (("Hélène", "Payet"), ("Jean-Noël", "Hoarau"), ("Maïté", "Grondin"), ("Yann", "Técher"))


class Shot(NamedTuple):
    """A page, and what is done there before its picture is taken."""

    path: str = "/"
    before: Callable[[Page], object] = lambda _: None
    size: ViewportSize = DESK


def _press(*keys: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(_SETTLE_MS / 2)

    return press


SHOTS = {
    "accueil": Shot(),
    "nouvelle-session": Shot("/", lambda page: _typed(page, "hel")),
    "duree": Shot("/", lambda page: _typed(page, "hel", "Enter")),
    "code": Shot("/", _press("n", "Enter", "Enter")),
    "poste": Shot("/", lambda page: page.locator("[data-poste=demo-01] .face").click()),
    "touches": Shot("/", _press("?")),
}


def _typed(page: Page, text: str, *keys: str) -> None:
    page.keyboard.press("n")
    page.keyboard.type(text)
    page.get_by_role("option").filter(has_text="Hélène").wait_for()
    for key in keys:
        page.keyboard.press(key)


def furnish(house: House) -> None:
    """Visitors who sit there, one on a pause, one who asks for time, one who waits, one poste out of order."""
    with house.client() as client:
        people = [
            client.post(
                "/utilisateurs/", json={"prenom": first, "nom": last, "consentement_rgpd": True}
            ).json()["id"]
            for first, last in _PEOPLE
        ]
        for index, (slug, minutes) in enumerate(zip(house.slugs, (90, 42, 4, 60), strict=False)):
            _seated(house, client, slug, minutes * 60, people[index])
        paused = client.get(f"/postes/{house.slugs[3]}/session_active/").json()["id"]
        client.post(f"/sessions/{paused}/suspend/").raise_for_status()
        client.post(f"/postes/{house.slugs[4]}/marquer_maintenance/").raise_for_status()
        client.post("/sessions/", json={"poste": house.slugs[5], "duree_initiale": 3600}).raise_for_status()
    house.does(house.slugs[2], lambda one: one.ask_time(900))
    house.does(house.slugs[6], lambda one: one.crash())


def _seated(house: House, client: httpx.Client, slug: str, seconds: int, person: int) -> None:
    said: dict[str, Any] = {"poste": slug, "duree_initiale": seconds, "utilisateur": person}
    made = client.post("/sessions/", json=said)
    made.raise_for_status()
    code = made.json()["code_acces"]
    house.does(slug, lambda one: one.type_code(code))
    wait_until(lambda: house.poste(slug).phase == "active", what=f"{slug} open")


def take(browser: Browser, house: House, folder: Path) -> Iterator[str]:
    """The pictures, one after the other: each page light, dark, and on a telephone."""
    looks: dict[str, Any] = {
        "": {},
        "-sombre": {"color_scheme": "dark"},
        "-telephone": {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True},
    }
    for suffix, more in looks.items():
        common: dict[str, Any] = {"locale": "fr-FR", "viewport": DESK, "reduced_motion": "reduce"}
        context = browser.new_context(**{**common, **more})
        page = context.new_page()
        page.goto(house.url)
        log_in(page, house.login, house.password)
        for name, shot in SHOTS.items():
            if suffix != "-telephone":
                page.set_viewport_size(shot.size)
            page.goto(house.url + shot.path)
            page.locator("#main, .bare-page").first.wait_for()
            page.wait_for_timeout(_SETTLE_MS)
            shot.before(page)
            page.wait_for_timeout(_SETTLE_MS)
            page.screenshot(path=folder / f"page-{name}{suffix}.png")
            yield f"page-{name}{suffix}.png"
        context.close()


def main(folder: Path, docs: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = "".join(
        path.read_text(encoding="utf-8") for path in [*docs.rglob("*.md"), *docs.parent.glob("README*.md")]
    )
    with tempfile.TemporaryDirectory() as home, housed(Path(home), postes=12) as house, chromium() as browser:
        furnish(house)
        for name in take(browser, house, folder):
            if name in shown:
                shutil.copy(folder / name, docs / "screenshots" / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
