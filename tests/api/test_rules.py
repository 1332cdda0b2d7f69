"""Whatever bound of a body or a parameter a value breaks, it is told in words, and none of the decoder's."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import api.app  # noqa: F401 - with it come the bodies of all routes
from api import rules
from api.schemas import Body
from tests.api.conftest import Desk

WRONG: tuple[Any, ...] = (
    None, True, -(10**15), 0, 10**15, 10**30, -0.5, 1e15, "", "x", "x" * 30_000, [], [[]] * 2000, [True], ["x"], {},
    {"x": 1}, {"0": [["a"]]}, {"0": [["a", "b", "c"]]},
)  # fmt: skip
OF_THE_DECODER = re.compile(r"`|Expected|Invalid|length|range|\b(int|str|float|bool|array|object|null|got)\b")
OF_FRENCH = re.compile(r"\b(un|une|au|rien|ou|valeurs|éléments)\b")


def bodies(root: type[Body] = Body) -> Iterator[type[Body]]:
    for one in root.__subclasses__():
        yield one
        yield from bodies(one)


def kinds() -> set[Any]:
    """The type of every field of every body."""
    return {field.type for one in bodies() for field in msgspec.structs.fields(one)}


def said_of(kind: Any) -> Iterator[str]:
    for value in WRONG:
        try:
            msgspec.json.decode(msgspec.json.encode(value), type=kind)
        except msgspec.ValidationError as error:
            yield str(error)


def test_every_bound_of_every_body_is_told_in_french_and_in_english() -> None:
    said = {one for kind in kinds() for one in said_of(kind) if "field `" not in one}
    told = {re.sub(r"\d+", "9", one.partition(" - at ")[0]) for one in said}
    assert len(told) > 20, told
    for one in said:
        french, english = rules.in_words(one), rules.in_words(one, "en")
        assert french != rules.UNKNOWN[0], one
        assert not OF_THE_DECODER.search(french), one
        assert OF_FRENCH.search(french), one
        assert english != rules.UNKNOWN[1], one
        assert not OF_FRENCH.search(english), one


@pytest.mark.parametrize(
    ("said", "french", "english"),
    [
        ("Expected `int` >= 1 - at `$.duree`", "un entier d’au moins 1", "a whole number of 1 at least"),
        ("Expected `float` <= 1000000.0", "un nombre d’au plus 1000000", "a number of 1000000 at most"),
        ("Expected `str` of length <= 100", "au plus 100 caractères", "at most 100 characters"),
        (
            "Expected `int | str | null`, got `bool`",
            "un entier, un texte ou rien",
            "a whole number, a text or nothing",
        ),
        ("Invalid enum value 'pdf'", "une des valeurs permises", "one of the values allowed"),
        ("Expected `Decimal`, got `str`", *rules.UNKNOWN),
        ("Something new went wrong", *rules.UNKNOWN),
    ],
)
def test_a_rule_is_a_phrase_and_what_is_not_known_is_one_too(said: str, french: str, english: str) -> None:
    assert (rules.in_words(said), rules.in_words(said, "en")) == (french, english)


def test_a_refused_parameter_is_told_in_french_alone(desk: Desk) -> None:
    for path in (
        "/sessions/?limit=0", "/sessions/?limit=many", "/sessions/?depuis=hier", "/postes/?en_ligne=peut-etre",
        f"/postes/?recherche={'x' * 101}", "/demandes/?statut=x", "/logs/by_session/?session=-1",
    ):  # fmt: skip
        answer = desk.call("GET", path)
        told = answer.json()
        assert (answer.status_code, told["field"] in path) == (422, True), path
        for words in (told["detail"], *(one["detail"] for one in told["errors"])):
            assert not OF_THE_DECODER.search(words), words
            assert OF_FRENCH.search(words), words
            assert rules.UNKNOWN[0] not in words, path


def test_a_parameter_that_is_missing_is_named(desk: Desk) -> None:
    told = desk.call("GET", "/logs/by_session/").json()
    assert (told["status"], told["reason"], told["field"]) == (422, "champ_obligatoire", "session")
    assert told["detail"] == "Champ obligatoire\u202f: session."


def test_an_instant_whose_plus_was_lost_says_how_it_is_written_in_an_address(desk: Desk) -> None:
    answer = desk.call("GET", "/sessions/?jusqu_a=2026-01-31T09:00:00+04:00")
    told = answer.json()
    assert (answer.status_code, told["field"]) == (422, "jusqu_a")
    assert "le + d’un décalage s’écrit %2B" in told["detail"]
    shown = re.findall(r"2026-\S+", told["detail"])
    assert [desk.call("GET", f"/sessions/?depuis={one}").status_code for one in shown] == [200, 200]
    body = {"poste": "poste-1", "debut": "2026-01-31T09:00:00 04:00", "fin": "x"}
    in_body = desk.call("POST", "/reservations/", json=body).json()["detail"]
    assert "%2B" not in in_body, "a body is no address"
