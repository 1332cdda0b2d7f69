"""Which version is older."""

import itertools

import pytest

from kiosk_agent.updating.release import is_older, order

RISING = (
    "0.9", "1.0.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1.dev1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.2",
    "1.10", "2.0",
)  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(itertools.combinations(RISING, 2)))
def test_versions_are_in_the_usual_order(before: str, after: str) -> None:
    assert is_older(before, after)
    assert not is_older(after, before)


def test_zeros_at_the_end_make_no_difference() -> None:
    assert order("1.0.0") == order("1")


@pytest.mark.parametrize("version", ["", "1.x", "../1.0", "1.0 ", "1" * 90])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        order(version)
