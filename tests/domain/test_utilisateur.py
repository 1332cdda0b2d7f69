"""How facts about a person are written down."""

from datetime import date

import pytest

from fleet.domain import utilisateur
from fleet.domain.errors import Invalid

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0692 12 34 56", "+262692123456"),
        ("0262.12.34.56", "+262262123456"),
        ("0263-12-34-56", "+262263123456"),
        ("+262 693 12 34 56", "+262693123456"),
        ("00262 693 12 34 56", "+262693123456"),
        ("262692123456", "+262692123456"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_a_telephone_number_is_kept_in_one_form(typed: str | None, kept: str | None) -> None:
    assert utilisateur.telephone(typed) == kept


@pytest.mark.parametrize(
    "typed", ["0612345678", "0692 12 34 5", "0692 12 34 567", "abc", "+0692123456", "12", "+"]
)
def test_a_number_of_nowhere_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as invalid:
        utilisateur.telephone(typed)
    assert invalid.value.field == "telephone"


def test_an_address_keeps_its_name_and_lowers_its_domain() -> None:
    assert utilisateur.email(" Jean.Payet@Exemple.RE ") == "Jean.Payet@exemple.re"
    assert utilisateur.email("") is None


@pytest.mark.parametrize(
    "typed", ["a", "a@b", "a b@c.re", "a@@c.re", "<a@c.re>", f"{'x' * 250}@c.re", "a@c..re"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        utilisateur.email(typed)


def test_age_counts_full_years() -> None:
    assert utilisateur.age(date(2000, 11, 20), TODAY) == 26
    assert utilisateur.age(date(2000, 11, 21), TODAY) == 25
    assert utilisateur.age(date(2004, 2, 29), date(2026, 2, 28)) == 21
    assert utilisateur.age(None, TODAY) is None


def test_nobody_is_born_tomorrow_or_in_another_age() -> None:
    assert utilisateur.birth_date(TODAY, TODAY) == TODAY
    for born in (date(2026, 11, 21), date(1905, 12, 31)):
        with pytest.raises(Invalid):
            utilisateur.birth_date(born, TODAY)


def test_a_name_is_kept_as_typed_without_what_cannot_be_seen() -> None:
    assert utilisateur.name("nom", "  Hélène\u200b\x00 ") == "Hélène"
    assert utilisateur.name("nom", "He\u0301le\u0300ne") == "Hélène"
    for typed in ("", " ", "\x07", "x" * 101):
        with pytest.raises(Invalid) as invalid:
            utilisateur.name("prenom", typed)
        assert invalid.value.field == "prenom"


def test_a_search_ignores_case_and_accents() -> None:
    assert utilisateur.searchable("Hélène", None, "PAYET") == "helene payet"
    assert utilisateur.searchable("Straße") == "strasse"
