"""Codes that people can read, say and type, and that a dump does not tell."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.domain import access_code

KEY = b"k" * 32


def test_a_code_has_six_symbols_without_those_that_look_alike() -> None:
    assert len(access_code.ALPHABET) == 32
    assert not set("OI01") & set(access_code.ALPHABET)
    for _ in range(200):
        code = access_code.generate()
        assert len(code) == 6
        assert set(code) <= set(access_code.ALPHABET)


def test_codes_are_spread_over_the_whole_alphabet() -> None:
    seen = {symbol for _ in range(500) for symbol in access_code.generate()}
    assert seen == set(access_code.ALPHABET)


@given(st.text(access_code.ALPHABET, min_size=6, max_size=6), st.integers(0, 6))
def test_a_code_is_understood_in_any_case_and_with_spaces(code: str, gap: int) -> None:
    typed = f"  {code[:gap].lower()} \t{code[gap:]}\u00a0"
    assert access_code.normalise(typed) == code
    assert access_code.normalise(access_code.grouped(code)) == code


@given(st.text(max_size=12))
def test_what_can_be_no_code_is_none_and_the_rest_is_a_code(typed: str) -> None:
    code = access_code.normalise(typed)
    assert code is None or (len(code) == 6 and set(code) <= set(access_code.ALPHABET))


def test_symbols_that_are_never_given_out_are_no_code() -> None:
    for typed in ("ABCDE0", "ABCDE1", "ABCDEO", "ABCDEI", "ABCDE", "ABCDEFG", "", "ÀBCDEF"):
        assert access_code.normalise(typed) is None


def test_the_index_of_a_code_needs_the_key() -> None:
    assert access_code.index("ABCDEF", KEY) == access_code.index("ABCDEF", KEY)
    assert access_code.index("ABCDEF", KEY) != access_code.index("ABCDEF", b"x" * 32)
    assert b"ABCDEF" not in access_code.index("ABCDEF", KEY)
