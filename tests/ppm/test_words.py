"""The command line speaks the language that it is asked for, whole, and counts as people do."""

import ast
import os
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fleet.jobs.table import JOBS
from ppm import words
from tests.ppm.conftest import Ppm

_ROOT = Path(words.__file__).parent


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_RE.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_FR"}, "fr"),
        ({"LANG": "fr_FR", "LC_ALL": ""}, "fr"),
        ({"LANG": "fry_NL"}, "en"),
    ],
)
def test_the_language_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, asked: Mapping[str, str], expected: str
) -> None:
    monkeypatch.setattr(os, "environ", asked)
    assert words.language() == expected


@pytest.mark.parametrize(("language", "singular"), [("fr", (0, 1)), ("en", (1,))])
def test_every_number_has_its_singular_and_its_plural(
    monkeypatch: pytest.MonkeyPatch, language: str, singular: tuple[int, ...]
) -> None:
    monkeypatch.setattr(os, "environ", {"LANG": language})
    one, many = ("poste est", "postes sont") if language == "fr" else ("poste is", "postes are")
    for n in (0, 1, 2, 12):
        said = words.count("postes_are_there", n)
        assert said.startswith(f"{n} {one if n in singular else many} ")


def test_both_languages_fill_the_same_blanks() -> None:
    def blanks(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    for key, (french, english) in words.CATALOGUE.items():
        assert blanks(french) == blanks(english), key
        assert french.count("|") == english.count("|"), key


def test_every_sentence_that_is_said_is_there_and_every_one_there_is_said() -> None:
    states = {"disponible", "occupe", "suspendue", "reserve", "nettoyage", "maintenance", "hors_ligne"}
    assert set(_said()) | states | {"done"} == set(words.CATALOGUE)


def _said() -> Iterator[str]:
    """The keys in the code: first words of `say` and `count`, both where one of two is chosen."""
    texts = (path.read_text(encoding="utf-8") for path in _ROOT.rglob("*.py"))
    for text in (
        one for one in texts if re.search(r"from ppm\.words import|^from ppm import .*words", one, re.M)
    ):
        for node in ast.walk(ast.parse(text)):
            name = getattr(
                getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", "")
            )
            if isinstance(node, ast.Call) and name in ("say", "count") and node.args:
                first = node.args[0]
                chosen = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
                yield from (str(one.value) for one in chosen if isinstance(one, ast.Constant))


def test_tables_lines_and_refusals_are_of_one_language(ppm: Ppm) -> None:
    french = {"LANG": "fr_FR.UTF-8"}
    assert ppm("site", "create", "annexe", "--nom", "Annexe").out == "site annexe: Annexe\n"
    made = ppm("poste", "create", "annexe-01", "--site", "annexe", **french)
    assert made.out == "poste annexe-01\u202f: créé\u202f; ensuite\u202f: ppm poste credential annexe-01\n"
    assert "dernière connexion" in ppm("poste", "list", **french).out
    assert "last seen" in ppm("poste", "list").out
    assert "oui" in ppm("site", "list", **french).out
    assert "yes" in ppm("site", "list").out
    assert "poste inconnu\u202f: nulle-part" in ppm("poste", "show", "nulle-part", **french).err
    assert "opérateur inconnu\u202f: personne" in ppm("operator", "logout", "personne", **french).err
    assert "there is no operator personne" in ppm("operator", "logout", "personne").err
    kept = ppm("poste", "order", "annexe-01", "message", "--text", "Bonjour", "--when", "back", **french)
    assert kept.out == "poste annexe-01\u202f: message attend son retour\n"
    assert [one["texte"] for one in ppm("poste", "orders", "--poste", "annexe-01", "--json").json] == [
        "Bonjour"
    ]
    assert "Bonjour" in (table := ppm("poste", "orders", "--site", "annexe", **french).out)
    assert "jusqu’à" in table
    order = ("poste", "order", "annexe-01", "reboot")
    assert "This computer does not answer" in ppm(*order).err
    assert "Ce poste ne répond pas" in ppm(*order, **french).err
    assert ppm("poste", "list", "--json", **french).json == ppm("poste", "list", "--json").json
    assert "the audit trail holds: " in ppm("audit", "verify").out
    assert "le journal est intact" in ppm("audit", "verify", **french).out


def test_all_that_a_job_may_tell_has_its_word_in_both_languages(ppm: Ppm, tmp_path: Path) -> None:
    folders = {"PPM_BACKUP_DIR": str(tmp_path / "backups"), "PPM_ARCHIVE_DIR": str(tmp_path / "archives")}
    told = {"reponses_oubliees"}  # of the sweep, which only a controller does
    for job in JOBS:
        told |= ppm("job", "run", job, "--json", **folders).json.keys()
    assert told <= words.OUTCOMES.keys()
