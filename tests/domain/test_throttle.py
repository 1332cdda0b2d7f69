"""Wrong codes make a poste wait longer and longer."""

from datetime import UTC, datetime, timedelta

from fleet.domain import throttle
from fleet.domain.throttle import Tries

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _after(failures: int) -> Tries:
    tries = Tries()
    for _ in range(failures):
        tries = throttle.failed(tries, NOW)
    return tries


def test_four_wrong_codes_cost_nothing() -> None:
    assert [_after(n).wait_s(NOW) for n in range(5)] == [0, 0, 0, 0, 0]


def test_the_wait_doubles_from_30_seconds_to_15_minutes() -> None:
    assert [_after(n).wait_s(NOW) for n in range(5, 12)] == [30, 60, 120, 240, 480, 900, 900]


def test_the_wait_ends_and_is_told_in_whole_seconds() -> None:
    tries = _after(5)
    assert tries.wait_s(NOW + timedelta(seconds=28.5)) == 2
    assert tries.wait_s(NOW + timedelta(seconds=30)) == 0


def test_the_next_wrong_code_after_a_wait_goes_on_where_it_stopped() -> None:
    then = NOW + timedelta(minutes=2)
    assert throttle.failed(_after(5), then).wait_s(then) == 60


def test_an_hour_of_peace_is_a_new_beginning() -> None:
    then = NOW + timedelta(hours=1)
    assert throttle.failed(_after(9), then) == Tries(1, then, None)


def test_any_number_of_wrong_codes_can_be_counted() -> None:
    assert throttle.failed(Tries(5_000, NOW, NOW), NOW).wait_s(NOW) == 900
