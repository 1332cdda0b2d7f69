"""Which words can be the id of a row."""

import pytest

from fleet.domain.numbers import LARGEST_ID, row_id


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0", 0),
        ("42", 42),
        (str(LARGEST_ID), LARGEST_ID),
        (str(LARGEST_ID + 1), None),
        ("9" * 64, None),
        ("9" * 10_000, None),
        ("", None),
        ("-1", None),
        ("x", None),
        ("²", None),
        ("٣", None),
        (None, None),
    ],
)
def test_only_digits_that_a_database_can_hold_are_an_id(written: str | None, meant: int | None) -> None:
    assert row_id(written) == meant
