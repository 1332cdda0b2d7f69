"""Pictures of the operators' page. `python -m tests.page.gallery FOLDER DOCS` takes them in a room with some life.

All of them go into FOLDER; those that a page of DOCS shows are kept beside it.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.page.browsers import chromium, enter
from tests.page.house import House, housed
from tests.page.life import Life, furnish, remember

DESK, PHONE, WALL = (ViewportSize(width=w, height=h) for w, h in ((1366, 768), (390, 844), (1920, 1080)))
_SETTLE_MS = 400
_COLOURS = 48


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


def _click(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def _typed(page: Page, text: str, *keys: str) -> None:
    page.keyboard.press("n")
    page.keyboard.type(text)
    page.get_by_role("option").filter(has_text="Hélène").wait_for()
    for key in keys:
        page.keyboard.press(key)


def shots(life: Life) -> dict[str, Shot]:
    """Every page, and the dialogs of the desk."""
    last_month = (datetime.now(UTC).replace(day=1) - timedelta(days=2)).date()
    site, settings = "/reglages/sites/demo", "/reglages"
    return {
        "accueil": Shot(),
        "nouvelle-session": Shot("/", lambda page: _typed(page, "hel")),
        "duree": Shot("/", lambda page: _typed(page, "hel", "Enter")),
        "code": Shot("/", _press("n", "Enter", "Enter")),
        "poste": Shot("/", lambda page: page.locator("[data-poste=demo-01] .face").click()),
        "touches": Shot("/", _press("?")),
        "plan": Shot("/plan"),
        "plan-modifier": Shot("/plan", _click("Modifier le plan")),
        "mur": Shot("/mur", size=WALL),
        "utilisateurs": Shot("/utilisateurs"),
        "utilisateur": Shot(f"/utilisateurs/{life.person}"),
        "utilisateur-nouveau": Shot("/utilisateurs/nouveau"),
        "sessions": Shot("/sessions"),
        "session": Shot(f"/sessions/{life.session}"),
        "lots": Shot("/sessions/lots", _click("Codes du lot")),
        "reservations": Shot("/sessions/reservations"),
        "postes": Shot("/postes"),
        "poste-detail": Shot("/postes/demo-01"),
        "journal": Shot("/journal"),
        "statistiques": Shot(f"/statistiques?periode=mois&le={last_month}"),
        "rapport-annuel": Shot("/statistiques/rapport"),
        "sites": Shot(f"{settings}/sites"),
        "site": Shot(site),
        "site-horaires": Shot(f"{site}/horaires"),
        "site-regles": Shot(f"{site}/regles"),
        "site-personnes": Shot(f"{site}/personnes"),
        "site-textes": Shot(f"{site}/textes"),
        "operateurs": Shot(f"{settings}/operateurs"),
        "taches": Shot(f"{settings}/taches"),
        "sauvegardes": Shot(f"{settings}/sauvegardes"),
        "rapports": Shot(f"{settings}/rapports"),
        "requisitions": Shot(f"{settings}/requisitions"),
        "alertes": Shot(f"{settings}/alertes"),
        "systeme": Shot(f"{settings}/systeme"),
        "compte": Shot("/compte"),
    }


def take(browser: Browser, house: House, life: Life, folder: Path) -> Iterator[str]:
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
        enter(page, house.url, house.login, house.password)
        for name, shot in shots(life).items():
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


def keep(taken: Path, kept: Path) -> None:
    """The picture with few colours, as few as it has, and no larger than a page: a repository keeps each for good."""
    with Image.open(taken) as picture:
        picture.thumbnail((1366, 900))
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(kept, optimize=True)


def main(folder: Path, docs: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = "".join(
        path.read_text(encoding="utf-8") for path in [*docs.rglob("*.md"), *docs.parent.glob("README*.md")]
    )
    with (
        tempfile.TemporaryDirectory() as home,
        housed(Path(home), postes=12) as house,
        chromium(whole=True) as browser,
    ):
        life = furnish(house)
        remember(house, weeks=8, today=datetime.now(UTC).date())
        for name in take(browser, house, life, folder):
            if name in shown:
                keep(folder / name, docs / "screenshots" / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
