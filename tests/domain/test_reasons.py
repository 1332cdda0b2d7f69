"""Every reason that the code gives has its sentence, in French and in English, as people write them."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.domain.blanks import duration, rule_in_english
from fleet.domain.errors import Forbidden, Invalid, NotFound, Refused
from fleet.domain.reasons import REASONS, sentence
from fleet.domain.session import STATUTS

ROOT = Path(__file__).parents[2]
# Which argument of a call is a reason.
CALLS = {
    "Refused": 0,
    "Forbidden": 0,
    "JobFailed": 0,
    "BackupFailed": 0,
    "ArchiveLost": 0,
    "NotOurs": 0,
    "DumpFailed": 0,
    "sentence": 0,
    "Invalid": 1,
    "end": 2,
    "suspend": 3,
    "bump": 3,
    "end_by_poste": 3,
    "give_back": 4,
    "_change": 4,
}
WORD = re.compile(r"^[a-z]+(_[a-z]+)*$")
THIN, SOLID = "\u202f", "\u00a0"


def _constants(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and WORD.match(part.value):
            yield part.value


def _results(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression can give: both ends of a condition, not its test."""
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    else:
        yield node


def _used() -> Iterator[tuple[str, str]]:
    for package in ("fleet", "controller", "api", "ppm"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    for reason in _reasons_of(node):
                        yield reason, f"{path.relative_to(ROOT)}:{node.lineno}"


def _reasons_of(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    where = CALLS.get(name)
    if where is not None and len(call.args) > where:
        for result in _results(call.args[where]):
            yield from _constants(result)


def test_every_reason_that_the_code_gives_has_a_sentence() -> None:
    used = dict(_used())
    assert len(used) > 40
    assert {reason: place for reason, place in used.items() if reason not in REASONS} == {}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_reason_speaks_both_languages_about_the_same_things(reason: str) -> None:
    french, english = REASONS[reason]
    assert _blanks(french) == _blanks(english)
    for text in (french, english):
        assert text[0].isupper() or text[0] == "{"
        assert text == text.strip()
        assert "  " not in text


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_french_is_written_as_french(reason: str) -> None:
    plain = re.sub(r"\{\w+\}", "9", REASONS[reason][0])
    assert "'" not in plain, "an apostrophe is ’"
    assert '"' not in plain, "quotes are « »"
    for mark in re.finditer(r"[;!?:»]", plain):
        assert plain[mark.start() - 1] in (THIN, SOLID), f"a thin space comes before {mark[0]}"
    for mark in re.finditer("«", plain):
        assert plain[mark.end()] in (THIN, SOLID), "a thin space comes after «"
    assert not re.search(r"\d (s|min|h|secondes)\b", plain), "a number and its unit stay together"


def test_a_statut_is_said_as_people_say_it() -> None:
    for statut, words in (("en_attente", "en attente"), ("suspendue", "en pause"), ("expiree", "expirée")):
        assert Refused("transition_interdite", statut=statut).fr.endswith(f"la session est {words}.")
    assert Refused("transition_interdite", statut="active").en == "Not possible: the session is running."
    for word in STATUTS:
        assert sentence("transition_interdite", "fr", {"statut": word}) not in (
            f"la session est {word}.",
            "?",
        )


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (60, "1 min"), (5400, "1 h 30"), (14400, "4 h"), (90, "90 s")]
)
def test_a_duration_is_said_as_people_say_it(seconds: int, said: str) -> None:
    assert duration(seconds) == said.replace(" ", SOLID)
    words = Invalid("duree_initiale", "duree_invalide", minimum=60, maximum=seconds).fr
    assert words == f"La durée doit être comprise entre 1{SOLID}min et {duration(seconds)}."


def _rules_said() -> Iterator[str]:
    """Every rule that is told with a refused value, with 9 in its blanks."""
    for path in sorted((ROOT / "fleet").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "rule"
            if isinstance(node, ast.keyword | ast.Assign) and (named or getattr(node, "arg", "") == "regle"):
                yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "9" for part in node.values)


def test_a_rule_is_told_in_the_language_of_its_sentence() -> None:
    rules = set(_rules_said())
    assert len(rules) > 12
    assert {rule for rule in rules if rule_in_english(rule) == rule} == set()
    refused = Invalid("slug", "valeur_invalide", regle="a-z, 0-9 et -, une lettre au moins")
    assert refused.en == "Invalid value. Expected: a-z, 0-9 and -, one letter at least."
    assert "et -" in refused.fr


def test_a_refusal_speaks_for_itself() -> None:
    refusal = Refused("trop_d_essais", retry_after_s=30)
    assert "30" in refusal.fr
    assert "30 s" in refusal.en
    assert str(refusal) == refusal.fr
    assert NotFound("session").en == "Not found: session."
    assert Forbidden().reason == "role_insuffisant"
    assert Invalid("nom", "valeur_invalide", regle="x").field == "nom"


def test_what_is_not_there_is_said_in_french() -> None:
    assert NotFound("requisition").fr == f"Introuvable{THIN}: réquisition."
    assert NotFound("operateur").en == "Not found: operator."
    assert sentence("tache_systeme", "fr", {"dit": "No space left on device"}).endswith(
        "de place sur le disque"
    )
    assert sentence("tache_systeme", "en", {"dit": "No space left on device"}).endswith("left on device")


def test_who_works_at_the_desk_is_not_sent_to_the_desk() -> None:
    refusal = Refused("trop_d_essais_operateur", retry_after_s=900, attente=900)
    assert refusal.fr == "Trop d’essais manqués. Réessayez dans 15\u00a0min."
    assert refusal.en == "Too many failed tries. Try again in 15\u00a0min."
    assert "accueil" in sentence("trop_d_essais"), "a visitor is"


def test_a_blank_without_a_value_and_a_reason_without_a_sentence_still_say_something() -> None:
    assert "?" in sentence("quota_sessions_jour")
    assert sentence("unheard_of") == "unheard_of"
