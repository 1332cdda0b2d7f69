"""Whatever stands where a command expects a number or an id, it is done or refused in words: never a trace."""

from pathlib import Path

import click
import pytest

from ppm.docs import commands_page
from tests.ppm.conftest import Ppm

COMMANDS = {path: command for path, command in commands_page.walk() if not isinstance(command, click.Group)}
PROGRAMS = {"ppm demo", "ppm controller", "ppm api", "ppm kiosk", "ppm simulate", "ppm watch"}
"""Those that would go on for ever when their numbers are good."""
NO_NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "1e400",
    "x",
    "",
    "0x10",
    "1_0_",
    "²",
    "١x",
    "99999999999999999999",
    "1e99",
)
ODD = (
    *NO_NUMBERS,
    "-1",
    "0",
    "1e-9",
    "9223372036854775807",
    "9223372036854775808",
    "²³",
    "0" * 40,
    "9" * 5000,
)
FILLERS = {"--site": "annexe", "--nom": "Annexe", "--minutes": "30", "--reason": "essai"}


def numeric(one: click.Parameter) -> bool:
    return (
        isinstance(one.type, click.types.IntParamType | click.types.FloatParamType)
        or one.type.name == "float"
    )


def words(command: click.Command, which: click.Parameter, value: str) -> list[str]:
    """A command line that is whole, with this value in one place."""
    line: list[str] = []
    arguments: list[str] = []
    for one in command.params:
        if isinstance(one, click.Argument):
            arguments.append(value if one is which else "1")
        elif one is which:
            line += [one.opts[0], value]
        elif one.required:
            line += [one.opts[0], FILLERS[one.opts[0]]]
    return [*line, "--", *arguments]


PLACES = [
    (path, one)
    for path, command in COMMANDS.items()
    for one in command.params
    if numeric(one) or isinstance(one, click.Argument) or one.opts[0] in ("--site", "--poste")
]


@pytest.mark.parametrize(("path", "which"), [(p, o) for p, o in PLACES if p not in PROGRAMS])
def test_an_odd_word_is_done_or_refused_in_words(
    ppm: Ppm, path: str, which: click.Parameter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some words name files that are written
    ppm("site", "create", "annexe", "--nom", "Annexe")
    for value in ODD:
        ran = ppm(*path.split()[1:], *words(COMMANDS[path], which, value), stdin="un-long-mot-de-passe\n")
        assert ran.code in (0, 1, 2), (value, ran)
        assert ran.code == 0 or ran.err, value
        assert ran.code != 1 or ran.err.count("\n") == 1, (value, ran.err)


@pytest.mark.parametrize(("path", "which"), [(p, o) for p, o in PLACES if p in PROGRAMS and numeric(o)])
def test_a_program_does_not_start_with_what_is_no_number(ppm: Ppm, path: str, which: click.Parameter) -> None:
    for value in NO_NUMBERS:
        ran = ppm(*path.split()[1:], *words(COMMANDS[path], which, value)[:-1])
        assert ran.code == 2, (value, ran)


def test_a_session_that_is_no_number_of_minutes_is_refused(ppm: Ppm) -> None:
    for minutes in ("nan", "inf", "1e300"):
        ran = ppm("session", "create", "--site", "annexe", "--minutes", minutes)
        assert ran.code == 2
        assert "--minutes" in ran.err
