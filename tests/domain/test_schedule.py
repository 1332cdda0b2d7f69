"""When a job is due, by the local calendar."""

from datetime import UTC, datetime, time

import pytest

from fleet.domain.schedule import Schedule

REUNION, PARIS = "Indian/Reunion", "Europe/Paris"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "slot", "following"),
    [
        ("2026-11-20 21:59:59", "2026-11-20", "2026-11-20 22:00"),
        ("2026-11-20 22:00:00", "2026-11-21", "2026-11-21 22:00"),
        ("2026-11-21 10:00:00", "2026-11-21", "2026-11-21 22:00"),
    ],
)
def test_a_daily_job_is_due_at_its_local_time(now: str, slot: str, following: str) -> None:
    daily = Schedule(time(2, 0))
    assert daily.slot(at(now), REUNION) == slot
    assert daily.next(at(now), REUNION) == at(following)


@pytest.mark.parametrize(
    ("now", "slot", "following"),
    [
        ("2026-10-31 20:59:00", "2026-10", "2026-10-31 21:00"),
        ("2026-10-31 21:00:00", "2026-11", "2026-11-30 21:00"),
        ("2026-12-31 22:00:00", "2027-01", "2027-01-31 21:00"),
        ("2027-03-01 10:00:00", "2027-03", "2027-03-31 21:00"),
    ],
)
def test_a_monthly_job_is_due_on_the_first(now: str, slot: str, following: str) -> None:
    monthly = Schedule(time(1, 0), monthly=True)
    assert monthly.slot(at(now), REUNION) == slot
    assert monthly.next(at(now), REUNION) == at(following)


def test_the_hour_that_a_change_of_clocks_doubles_or_drops_makes_one_slot() -> None:
    daily = Schedule(time(2, 30))
    doubled = {daily.slot(at(f"2026-10-25 0{hour}:45:00"), PARIS) for hour in (0, 1)}
    assert doubled == {"2026-10-25"}
    dropped = [daily.slot(at(f"2026-03-29 0{hour}:15:00"), PARIS) for hour in (0, 1, 2)]
    assert dropped == ["2026-03-28", "2026-03-29", "2026-03-29"]
