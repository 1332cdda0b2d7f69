"""When a site is open, in its own zone: weeks, exceptions, midnight, and days that are not 24 hours long."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.domain import opening_hours
from fleet.domain.errors import Invalid
from fleet.domain.opening_hours import OpeningHours

REUNION, PARIS = "Indian/Reunion", "Europe/Paris"
OFFICE = {str(day): [["09:00", "12:30"], ["14:00", "18:00"]] for day in range(5)}
FRIDAY = date(2026, 11, 20)


def at(zone: str, clock: str, day: date = FRIDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def hours(week: object = None, exceptions: object = None, zone: str = REUNION) -> OpeningHours:
    return opening_hours.from_json(zone, week, exceptions)  # type: ignore[arg-type]


def test_hours_that_are_not_set_mean_open_without_an_end() -> None:
    unset = hours()
    assert not unset.is_set
    assert unset.is_open(at(REUNION, "03:00"))
    assert unset.closing(at(REUNION, "03:00")) is None
    assert unset.next_opening(at(REUNION, "03:00")) is None
    assert unset.next_change(at(REUNION, "03:00")) is None


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [
        ("08:59:59", False),
        ("09:00", True),
        ("12:29:59", True),
        ("12:30", False),
        ("14:00", True),
        ("18:00", False),
    ],
)
def test_an_interval_begins_with_its_first_instant_and_ends_before_its_last(
    clock: str, is_open: bool
) -> None:
    assert hours(OFFICE).is_open(at(REUNION, clock)) == is_open


def test_a_site_tells_when_it_closes_and_when_it_opens_again() -> None:
    office = hours(OFFICE)
    assert office.closing(at(REUNION, "10:00")) == at(REUNION, "12:30")
    assert office.next_opening(at(REUNION, "12:45")) == at(REUNION, "14:00")
    monday = at(REUNION, "09:00", date(2026, 11, 23))
    assert office.next_opening(at(REUNION, "18:00")) == monday
    assert office.closing(at(REUNION, "18:00")) is None
    assert office.next_opening(at(REUNION, "10:00")) is None
    assert office.next_change(at(REUNION, "10:00")) == at(REUNION, "12:30")
    assert office.next_change(at(REUNION, "18:00")) == monday


def test_the_hours_are_those_of_the_site_wherever_the_server_is() -> None:
    assert hours(OFFICE).closing(at(REUNION, "10:00")) == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    assert hours(OFFICE, zone=PARIS).closing(at(PARIS, "10:00")) == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


def test_an_exception_replaces_its_day() -> None:
    special = hours(OFFICE, {"2026-11-20": [["10:00", "11:00"]], "2026-11-23": []})
    assert not special.is_open(at(REUNION, "09:30"))
    assert special.closing(at(REUNION, "10:30")) == at(REUNION, "11:00")
    assert special.next_opening(at(REUNION, "11:00")) == at(REUNION, "09:00", date(2026, 11, 24))


def test_a_site_may_open_by_exception_only() -> None:
    once = hours({"0": []}, {"2026-11-21": [["09:00", "12:00"]]})
    assert once.next_opening(at(REUNION, "09:30")) == at(REUNION, "09:00", date(2026, 11, 21))
    assert once.closing(at(REUNION, "10:00", date(2026, 11, 21))) == at(REUNION, "12:00", date(2026, 11, 21))
    assert once.next_opening(at(REUNION, "13:00", date(2026, 11, 21))) is None


def test_a_closed_day_in_hours_that_are_otherwise_not_set() -> None:
    holiday = hours(None, {"2026-12-25": []})
    eve = at(REUNION, "20:00", date(2026, 12, 24))
    assert holiday.closing(eve) == at(REUNION, "00:00", date(2026, 12, 25))
    assert not holiday.is_open(at(REUNION, "00:00", date(2026, 12, 25)))
    assert holiday.is_open(at(REUNION, "00:00", date(2026, 12, 26)))


def test_spans_that_touch_are_one() -> None:
    touching = hours({"4": [["09:00", "12:00"], ["12:00", "15:00"]]})
    assert touching.closing(at(REUNION, "10:00")) == at(REUNION, "15:00")
    over_midnight = hours({"4": [["20:00", "24:00"]], "5": [["00:00", "02:00"]]})
    assert over_midnight.closing(at(REUNION, "21:00")) == at(REUNION, "02:00", date(2026, 11, 21))
    assert over_midnight.is_open(at(REUNION, "00:00", date(2026, 11, 21)))


def test_spans_that_overlap_close_with_the_last_of_them() -> None:
    overlapping = hours({"4": [["09:00", "12:00"], ["10:00", "11:00"], ["11:30", "14:00"]]})
    assert overlapping.closing(at(REUNION, "09:30")) == at(REUNION, "14:00")


def test_a_site_that_never_closes_has_no_closing() -> None:
    always = hours({str(day): [["00:00", "24:00"]] for day in range(7)})
    assert always.closing(at(REUNION, "12:00")) is None


@pytest.mark.parametrize(("day", "length_h"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-20", 24)])
def test_a_local_day_is_as_long_as_its_zone_makes_it(day: str, length_h: int) -> None:
    noon = at(PARIS, "12:00", date.fromisoformat(day))
    begin, end = hours(zone=PARIS).day_bounds(noon)
    assert end - begin == timedelta(hours=length_h)
    begin, end = hours(zone=REUNION).day_bounds(noon)
    assert end - begin == timedelta(hours=24)


def test_the_clock_of_the_wall_is_right_on_the_days_that_change_it() -> None:
    sunday = {"6": [["01:00", "09:00"]]}
    spring = hours(sunday, zone=PARIS)
    opens = at(PARIS, "01:00", date(2026, 3, 29))
    assert spring.closing(opens) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    autumn = hours(sunday, zone=PARIS)
    assert autumn.closing(at(PARIS, "01:00", date(2026, 10, 25))) == datetime(2026, 10, 25, 8, 0, tzinfo=UTC)


def test_the_day_and_the_week_begin_at_local_midnight() -> None:
    late_evening_utc = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)  # 01:00 on Friday in La Réunion
    site = hours()
    assert site.local_date(late_evening_utc) == FRIDAY
    assert site.day_bounds(late_evening_utc)[0] == datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    assert site.week_start(late_evening_utc) == datetime(2026, 11, 15, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("week", "exceptions", "zone", "field"),
    [
        ({"7": []}, None, REUNION, "horaires"),
        ({"lundi": []}, None, REUNION, "horaires"),
        ({"0": [["9:00", "12:00"]]}, None, REUNION, "horaires"),
        ({"0": [["12:00", "09:00"]]}, None, REUNION, "horaires"),
        ({"0": [["09:00", "25:00"]]}, None, REUNION, "horaires"),
        ({"0": [["09:00"]]}, None, REUNION, "horaires"),
        ({"0": [[9, 12]]}, None, REUNION, "horaires"),
        ({"0": 5}, None, REUNION, "horaires"),
        (None, {"2026-02-30": []}, REUNION, "exceptions"),
        (None, {"2026-02-20": [["a", "b"]]}, REUNION, "exceptions"),
        (None, None, "Indian/Atlantis", "zone"),
        (None, None, "../etc/passwd", "zone"),
        (None, None, "", "zone"),
    ],
)
def test_hours_that_make_no_sense_name_their_field(
    week: object, exceptions: object, zone: str, field: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        hours(week, exceptions, zone)
    assert invalid.value.field == field


_clocks = st.integers(0, 1439).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
_span = st.tuples(_clocks, _clocks).filter(lambda span: span[0] < span[1]).map(list)
_weeks = st.dictionaries(st.sampled_from("0123456"), st.lists(_span, max_size=4), min_size=1)
_instants = st.integers(0, 60 * 24 * 366).map(
    lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
)


@given(_weeks, _instants, st.sampled_from([REUNION, PARIS, "America/New_York"]))
def test_a_site_is_open_until_it_closes_and_closed_until_it_opens(
    week: object, now: datetime, zone: str
) -> None:
    site = hours(week, zone=zone)
    change = site.next_change(now)
    is_open = site.is_open(now)
    if change is None:
        return
    assert change > now
    assert site.is_open(change) != is_open
    assert site.is_open(change - timedelta(microseconds=1)) == is_open
    assert site.is_open(now + (change - now) / 2) == is_open


def test_the_open_hours_of_a_week_add_up_to_the_open_time() -> None:
    week = {0: [("08:30", "12:00"), ("13:15", "18:00")], 5: [("20:00", "24:00")]}
    hours = OpeningHours("Indian/Reunion", week, {date(2026, 3, 9): [("10:00", "11:00")]})
    since = datetime(2026, 3, 2, 5, 10, tzinfo=UTC)
    for days in (0.1, 1, 6.5, 30):
        until = since + timedelta(days=days)
        assert sum(hours.open_by_slot(since, until).values()) == hours.open_seconds(since, until)
    found = hours.open_by_slot(since, since + timedelta(days=30))
    assert (found[8], found[9], found[10], found[13]) == (3 * 1800, 3 * 3600 + 3000, 5 * 3600, 4 * 2700)
    assert found[5 * 24 + 23] == 4 * 3600


_apart = st.lists(st.integers(0, 1440), min_size=4, max_size=4, unique=True).map(
    lambda minutes: [[_clock(one) for one in sorted(minutes)[each : each + 2]] for each in (0, 2)]
)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("0123456"), _apart),
    st.dictionaries(st.sampled_from(("2026-03-29", "2026-05-01", "2026-10-25")), _apart | st.just([])),
    _instants,
    st.integers(0, 60 * 24 * 300),
    st.sampled_from([REUNION, PARIS, "America/New_York"]),
)
def test_the_hours_of_a_period_are_those_between_each_opening_and_its_closing(
    week: object, exceptions: object, since: datetime, minutes: int, zone: str
) -> None:
    site, until = hours(week, exceptions, zone), since + timedelta(minutes=minutes)
    open_s, now = 0.0, since
    while now < until:
        change = min(site.next_change(now) or now + timedelta(days=1), until)  # none: the same for days
        open_s += (change - now).total_seconds() if site.is_open(now) else 0
        now = change
    assert site.open_seconds(since, until) == open_s


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("0123456"), _apart),
    st.dictionaries(st.sampled_from(("2026-03-29", "2026-05-01", "2026-10-25")), _apart | st.just([])),
    _instants,
    st.integers(0, 60 * 24 * 90),
)
def test_the_hours_of_a_period_by_the_week_are_those_of_its_days_each_alone(
    week: object, exceptions: object, since: datetime, minutes: int
) -> None:
    site, until = hours(week, exceptions, REUNION), since + timedelta(minutes=minutes)
    alone, now = Counter[int](), since
    while now < until:
        midnight = site.day_bounds(now)[1]
        alone.update(site.open_by_slot(now, min(midnight - timedelta(microseconds=1), until)))
        now = midnight
    found = site.open_by_slot(since, until)
    assert sum(found.values()) == site.open_seconds(since, until)
    days = (site.local_date(until) - site.local_date(since)).days + 1
    assert all(abs(found[slot] - alone[slot]) <= days for slot in range(7 * 24))
