"""docs/kiosk.md and the guide say what the poste says, name tests that exist, and show every state."""

import re
from functools import cache
from pathlib import Path

import pytest

from kiosk_agent.ui.labels import LABELS
from kiosk_agent.words import CATALOGUE, NBSP, NNBSP
from tests.support.gallery import ALL, shown_in

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for line in (ROOT / "docs/kiosk.md").read_text().partition("## When something is missing")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| situation", "| ---"))
]
SENTENCE = re.compile(r"`(\w+)` « (.+?) » \"(.+?)\"")
UNSAID = ("none", "none:")
WANTED = (
    "no network at boot", "continue", "suspend", "broker killed or replaced", "controller gone or replaced",
    "server replaced", "certificate expired", "clock wrong by hours", "clock stepped", "suspend-to-RAM", "disk full",
    "state file corrupt",
)  # fmt: skip


@cache
def known() -> set[str]:
    found = (re.findall(r"def (test_\w+)", file.read_text()) for file in (ROOT / "tests").rglob("test_*.py"))
    return {name for names in found for name in names}


def words(text: str) -> re.Pattern[str]:
    """What a sentence looks like, whatever its spaces and the time in it."""
    plain = text.replace("{nnbsp}", " ").replace(NBSP, " ").replace(NNBSP, " ")
    return re.compile(re.escape(plain).replace(re.escape("{time}"), ".+?"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_the_page_says_what_the_screen_says(row: list[str]) -> None:
    _, _, screen, _ = row
    said = SENTENCE.findall(screen)
    assert said or screen.split()[0] in UNSAID, screen
    for key, fr, en in said:
        wanted = {**CATALOGUE, **LABELS}[key]
        for text, sentence in zip(wanted, (fr, en), strict=True):
            assert words(text).fullmatch(sentence), key


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_the_page_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`(test_\w+)`", row[3])
    assert named
    assert set(named) <= known()


@pytest.mark.parametrize("what", WANTED)
def test_no_situation_is_forgotten(what: str) -> None:
    assert any(what in row[0] for row in ROWS)


def test_the_guide_shows_every_state() -> None:
    """But those that differ by a word from one that is shown."""
    alike = {"still-there-warn", "grace-menu", "expired", "own-expired"}
    missing = {name for name in ALL if f"{name}-fr.png" not in shown_in(ROOT / "docs")} - alike
    assert not missing


def test_every_picture_that_a_page_shows_is_kept() -> None:
    kept = {file.name for file in (ROOT / "docs/screenshots").glob("*.png")}
    assert shown_in(ROOT / "docs") == kept
