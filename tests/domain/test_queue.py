"""How long somebody may wait for the next free poste."""

from fleet.domain.queue import TURNOVER_MS, waits_ms

MINUTE = 60_000


def test_the_first_takes_the_poste_that_is_free_soonest() -> None:
    assert waits_ms([30 * MINUTE, 5 * MINUTE], [10 * MINUTE, 10 * MINUTE]) == [
        5 * MINUTE,
        15 * MINUTE + TURNOVER_MS,
    ]


def test_those_behind_wait_for_those_before() -> None:
    assert waits_ms([0], [MINUTE, MINUTE, MINUTE]) == [0, MINUTE + TURNOVER_MS, 2 * (MINUTE + TURNOVER_MS)]


def test_without_any_poste_nobody_can_say() -> None:
    assert waits_ms([], [MINUTE]) == [None]
    assert waits_ms([0], []) == []
