"""Values as a French document says them."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fleet
from fleet.domain import written
from fleet.domain.reasons import REASONS

OF_THE_TRAIL = ("Entry", "_entry", "entry")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0\u00a0s"),
        (45, "45\u00a0s"),
        (60, "1\u00a0min"),
        (125, "2\u00a0min 05\u00a0s"),
        (3599.6, "1\u00a0h 00\u00a0min"),
        (3900, "1\u00a0h 05\u00a0min"),
        (7199, "2\u00a0h 00\u00a0min"),
        (-900, "−15\u00a0min"),
        (4_500_000, "1\u202f250\u00a0h 00\u00a0min"),
    ],
)
def test_a_duration_is_said_in_hours_and_minutes(seconds: float, said: str) -> None:
    assert written.duration(seconds) == said


def test_figures_have_the_comma_and_the_spaces_of_french() -> None:
    assert (written.number(1234567), written.number(3.5)) == ("1\u202f234\u202f567", "3,5")
    assert (written.share(0.1234), written.share(1.0), written.share(None)) == (
        "12,3\u202f%",
        "100,0\u202f%",
        "—",
    )


def test_an_instant_is_said_where_the_zone_is() -> None:
    late = datetime(2026, 3, 10, 22, 5, tzinfo=UTC)
    assert written.instant(late, "Indian/Reunion") == "11/03/2026 à 2\u00a0h\u00a005"
    assert written.instant(late, "Europe/Paris") == "10/03/2026 à 23\u00a0h\u00a005"


def test_no_reason_is_said_by_its_code_nor_with_a_blank() -> None:
    for code in REASONS:
        said = written.reason(code)
        assert said, code
        assert not re.search(r"[{}?]|[a-z]_|\.$|:\s*$", said), said
    assert written.reason("quota_minutes_jour") == "Le temps autorisé par jour est atteint"
    assert written.reason("code_autre_poste") == "Ce code est prévu pour un autre poste"
    assert written.reason("never_heard_of") == "Never heard of"


def _actions() -> Iterator[str]:
    """What the code writes in the trail, where it says so by name."""
    for file in Path(fleet.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and _name(call.func) in OF_THE_TRAIL:
                named = (one.value for one in call.args[:2] if isinstance(one, ast.Constant))
                yield from (one for one in named if isinstance(one, str))


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def test_every_action_of_the_trail_has_its_words() -> None:
    found = set(_actions())
    assert len(found) > 25
    assert found - written.ACTIONS.keys() == set()
