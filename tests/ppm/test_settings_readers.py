"""The column "read by" of the settings is what the code does: followed from each command, function by function."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppm import settings as table
from ppm.cli import WORDS
from ppm.setting import Setting

ROOT = Path(__file__).parents[2]
Place = tuple[str, str]
"""A module of ppm and a name in it."""
IGNORED = {("ppm.doctor", "values")}
"""Looks whether each value keeps its rule, whoever reads it."""
WITH_CODES = "codes"
SERVICES: dict[str, Place] = {"kiosk": ("ppm.windows_kiosk", "main")}
"""What a system starts of a command in another way than by its word."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES = {module_of(path): ast.parse(path.read_text()) for path in (ROOT / "ppm").rglob("*.py")}
NAMES = {id(value): name for name, value in vars(table).items() if isinstance(value, Setting)}


def imported(module: str) -> dict[str, Place]:
    """What each word of a module names: a module of ours, or a name in one."""
    found: dict[str, Place] = {}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "ppm":
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                found[one.asname or one.name] = (whole, "") if whole in TREES else (node.module, one.name)
    return found


def bodies(place: Place) -> Iterator[ast.AST]:
    module, name = place
    for node in TREES[module].body:
        named = getattr(node, "name", None)
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if named == name or any(getattr(one, "id", None) == name for one in targets if one is not None):
            yield node


def followed(place: Place) -> tuple[set[str], set[Place]]:
    """The settings that one definition names, and the definitions that it uses."""
    settings: set[str] = set()
    uses: set[Place] = set()
    known = imported(place[0])
    for body in bodies(place):
        without_codes = {
            id(part) for node in ast.walk(body) if isinstance(node, ast.IfExp) and WITH_CODES in ast.dump(node.test)
            for part in ast.walk(node.body)
        }  # fmt: skip
        for node in ast.walk(body):
            if id(node) in without_codes:
                continue
            if isinstance(node, ast.keyword) and node.arg == WITH_CODES:
                uses.add(("ppm.commands.opening", "code_keys"))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = known.get(node.value.id, ("", ""))[0]
                if module == "ppm.settings":
                    settings.add(node.attr)
                elif module in TREES:
                    uses.add((module, node.attr))
            elif isinstance(node, ast.Name):
                uses.add(known.get(node.id, (place[0], node.id)))
    return settings, {one for one in uses if one[1] and one[0] in TREES}


def readers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word, entry in WORDS.items():
        module = f"ppm.commands.{entry.module}"
        waiting = [(module, getattr(node, "name", "")) for node in TREES[module].body]
        if word in SERVICES:
            waiting.append(SERVICES[word])
        seen: set[Place] = set(IGNORED)
        while waiting:
            place = waiting.pop()
            if place not in seen:
                seen.add(place)
                settings, uses = followed(place)
                waiting += uses
                for name in settings & set(NAMES.values()):
                    found.setdefault(name, set()).add(word)
    return found


READERS = readers()


@pytest.mark.parametrize("name", sorted(set(NAMES.values()) - {"SETTINGS_FILE"}))
def test_the_programs_that_read_a_setting_are_those_that_the_table_names(name: str) -> None:
    said = getattr(table, name).programs
    assert sorted(READERS.get(name, ())) == sorted(said)
