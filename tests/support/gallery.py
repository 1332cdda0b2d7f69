"""Every state of the window, by name. `python -m tests.support.gallery FOLDER DOCS` takes their pictures.

All of them go into FOLDER; those that a page of DOCS shows are kept beside it.
"""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kiosk_agent.ui.face import Said, View
from kiosk_agent.ui.scene import Scene
from kiosk_agent.ui.screen import Screen, screen
from kiosk_agent.words import Language, say
from protocol.messages import Config

if TYPE_CHECKING:
    from tests.support.drawing import How

NOW = 10_000_000
WALL = datetime(2026, 11, 21, 16, 18, tzinfo=ZoneInfo("Indian/Reunion"))
CONFIG = Config(
    rev=1,
    site="Médiathèque François-Mitterrand",
    notice="L’ordinateur est nettoyé après chaque session : gardez vos fichiers sur une clé USB.",
    hours="mardi 09:00-12:00, 13:30-18:00\nmercredi 09:00-18:00\nsamedi 09:00-17:00",
)
BOTH: tuple[Language, Language] = ("fr", "en")
MINUTE = 60_000
FREE = View("saint-denis-01", "locked", True, False, "", "fr", config=CONFIG)
LENT = replace(FREE, phase="active", session="4", deadline=NOW + 42 * MINUTE, end=NOW + 43 * MINUTE)
SOON = replace(LENT, deadline=NOW + 2 * MINUTE, end=NOW + 3 * MINUTE)
GRACE = replace(LENT, phase="grace", deadline=NOW - 15_000, end=NOW + 45_000)
USED = Said(
    "Ce code a déjà servi. Demandez-en un autre à l’accueil.",
    "This code was used already. Please ask the desk for another one.",
    "code_deja_utilise",
)
TOO_MANY = Said(
    "Trop d’essais avec de mauvais codes. Patientez un peu avant de réessayer.",
    "Too many tries with wrong codes. Please wait a little before you try again.",
    "trop_d_essais",
    30,
)
DESK = Said(
    "La salle ferme à 18 h. Pensez à imprimer.", "The room closes at 6. Remember to print.", by_desk=True
)


def _note(key: str, **values: int) -> dict[str, object]:
    return {"note": Said(say(key, "fr", **values), say(key, "en", **values)), "note_until": NOW + 8_000}


LOCKED: Mapping[str, Scene] = {
    "waiting": Scene(),
    "no-network": Scene(view=replace(FREE, online=False)),
    "certificate": Scene(view=replace(FREE, online=False, fault="certificate")),
    "expired": Scene(view=replace(FREE, online=False, fault="expired")),
    "own-expired": Scene(view=replace(FREE, online=False, fault="own_expired")),
    "denied": Scene(view=replace(FREE, online=False, fault="denied")),
    "no-desk": Scene(view=replace(FREE, controller=False)),
    "free": Scene(view=FREE),
    "checking": Scene(view=replace(FREE, checking=True)),
    "refused": Scene(view=FREE, said=USED),
    "too-many": Scene(view=replace(FREE, blocked_until=NOW + 30_000), said=TOO_MANY),
    "paused": Scene(view=replace(FREE, phase="suspended", session="4", remaining_ms=17 * MINUTE)),
    "paused-offline": Scene(
        view=replace(FREE, phase="suspended", session="4", remaining_ms=17 * MINUTE, online=False)
    ),
    "ended-idle": Scene(view=FREE, said=Said(say("ended_idle", "fr"), say("ended_idle", "en")), said_at=NOW),
    "cannot-open": Scene(view=FREE, said=Said(say("storage", "fr"), say("storage", "en")), said_at=NOW),
    "cleaning": Scene(view=replace(FREE, phase="cleaning")),
    "maintenance": Scene(view=replace(FREE, phase="maintenance")),
    "closed": Scene(
        view=replace(
            FREE,
            config=Config(rev=2, site=CONFIG.site, next_opening=datetime(2026, 11, 24, 5, 0, tzinfo=UTC)),
        )
    ),
    "identify": Scene(view=FREE, identify_until=NOW + 9_000),
}
IN_USE: Mapping[str, Scene] = {
    "in-use": Scene(view=LENT),
    "greeting": Scene(view=LENT, **_note("opened", seconds=2520)),  # type: ignore[arg-type]
    "collapsed": Scene(view=LENT, collapsed=True),
    "menu": Scene(view=LENT, menu=True),
    "ending": Scene(view=LENT, menu=True, ending=True),
    "asked": Scene(view=replace(LENT, asking=True), menu=True, **_note("asking_time")),  # type: ignore[arg-type]
    "no-answer": Scene(view=LENT, **_note("no_answer_extend")),  # type: ignore[arg-type]
    "warning": Scene(view=SOON, warns=True, **_note("warning", seconds=120)),  # type: ignore[arg-type]
    "cut-goes-on": Scene(
        view=replace(LENT, online=False),
        warns=True,
        menu=True,
        **_note("offline_goes_on"),  # type: ignore[arg-type]
    ),
    "cut-will-pause": Scene(
        view=replace(LENT, online=False),
        warns=True,
        **_note("offline_will_pause"),  # type: ignore[arg-type]
    ),
    "added": Scene(view=LENT, **_note("time_added", seconds=900)),  # type: ignore[arg-type]
    "message": Scene(view=LENT, unread=(DESK,)),
    "still-there": Scene(view=replace(LENT, still_there=True, answer_by=NOW + 42_000)),
    "still-there-warn": Scene(view=replace(LENT, still_there=True)),
    "grace": Scene(view=GRACE),
    "grace-menu": Scene(view=GRACE, menu=True, unread=(DESK,)),
}
ALL: Mapping[str, Scene] = {**LOCKED, **IN_USE}


def seen(scene: Scene, language: Language = "fr", *, large: bool = False, contrast: bool = False) -> Screen:
    """What is on the screen in this scene."""
    return screen(replace(scene, language=language, large=large, contrast=contrast), NOW, WALL)


def main(folder: Path, docs: Path) -> None:
    """Draw every state in both languages as a small PNG, and keep what the pages show."""
    from PySide6.QtWidgets import QApplication

    from tests.support.drawing import How

    application = QApplication.instance() or QApplication(["pictures", "-platform", "offscreen"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, scene in ALL.items():
        for language in BOTH:
            _save(seen(scene, language), folder / f"{name}-{language}.png")
    for name in ("free", "too-many", "grace"):
        _save(seen(ALL[name], large=True), folder / f"{name}-large-fr.png")
        _save(seen(ALL[name], contrast=True), folder / f"{name}-contrast-fr.png")
    logo = _logo(folder / "logo.png")
    for language in BOTH:
        _save(seen(LOCKED["free"], language), folder / f"keypad-{language}.png", How(keypad=True, logo=logo))
        _save(seen(LOCKED["free"], language), folder / f"information-{language}.png", How(informs=True))
        _save(seen(LOCKED["free"], language), folder / f"other-screen-{language}.png", How(other=True))
        away = seen(LOCKED["no-network"], language)
        _save(away, folder / f"technician-{language}.png", How(technician=True))
    logo.unlink()
    _keep(folder, docs)
    del application


def shown_in(docs: Path) -> set[str]:
    """The pictures that the pages show."""
    pages = [*docs.rglob("*.md"), *docs.parent.glob("README*.md")]
    return {name for page in pages for name in re.findall(r"screenshots/([a-z-]+\.png)", page.read_text())}


def _keep(folder: Path, docs: Path) -> None:
    """Those of the window; those of the page, `page-...`, are taken elsewhere (tests/page/gallery.py)."""
    kept = docs / "screenshots"
    kept.mkdir(exist_ok=True)
    wanted = shown_in(docs)
    for old in kept.glob("*.png"):
        if old.name not in wanted:
            old.unlink()
    for name in sorted(one for one in wanted if not one.startswith("page-")):
        shutil.copyfile(folder / name, kept / name)


def _logo(path: Path) -> Path:
    """A logo like that of a town."""
    from PIL import Image, ImageDraw

    drawn = Image.new("RGBA", (240, 240), (0, 0, 0, 0))
    pen = ImageDraw.Draw(drawn)
    pen.rounded_rectangle((0, 0, 239, 239), 48, fill="#0f766e")
    pen.polygon([(40, 190), (100, 80), (140, 150), (165, 110), (205, 190)], fill="#ffffff")
    drawn.save(path)
    return path


def _save(shown: Screen, path: Path, how: "How | None" = None) -> None:
    """In few colours, which is small."""
    from PIL import Image

    from tests.support.drawing import How, picture

    picture(shown, how=how or How()).save(str(path))
    with Image.open(path) as taken:
        small = taken.convert("RGB").quantize(48, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
