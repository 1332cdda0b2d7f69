"""When a site is open, in its own time zone: a week of intervals, and exceptions by date.

A week maps each day, Monday = 0, to intervals ("09:00", "12:30"); "24:00" is midnight at the end of the day. An
exception replaces the intervals of its date (none: closed that day). Hours that are not set mean open.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from fleet.domain.errors import Invalid

Interval = tuple[str, str]
SLOTS = 7 * 24
"""The hours of a week."""
_DAY_S = 86_400
_HORIZON_DAYS = 400
_FAR = timedelta(days=3)


@dataclass(frozen=True)
class OpeningHours:
    """The hours of a site. `week` empty means open at all times."""

    zone: str
    week: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    exceptions: Mapping[date, Sequence[Interval]] = field(default_factory=dict)

    @property
    def is_set(self) -> bool:
        """Whether anything limits the site at all."""
        return bool(self.week or self.exceptions)

    def is_open(self, now: datetime) -> bool:
        """Whether the site is open at this instant."""
        return not self.is_set or any(opens <= now < closes for opens, closes in self._spans(now, 3))

    def closing(self, now: datetime) -> datetime | None:
        """When the site that is open now closes (UTC); None when it is closed, has no hours, or stays open."""
        if not self.is_set:
            return None
        end: datetime | None = None
        for opens, closes in self._spans(now):
            if (end is None and opens <= now < closes) or (end is not None and opens <= end):
                end = max(end or closes, closes)
            elif end is not None:
                return end
            if opens > now + _FAR:
                return None
        return end

    def next_opening(self, now: datetime) -> datetime | None:
        """When the site that is closed now opens (UTC); None when it is open or never opens."""
        if self.is_open(now):
            return None
        return next((opens for opens, _ in self._spans(now) if opens > now), None)

    def next_change(self, now: datetime) -> datetime | None:
        """When the site next opens or closes."""
        return self.closing(now) or self.next_opening(now)

    def open_seconds(self, since: datetime, until: datetime) -> float:
        """For how long the site is open between two instants."""
        if not self.is_set:
            return (until - since).total_seconds()
        first, last = self.local_date(since), self.local_date(until)
        inner = (first + timedelta(days=number) for number in range(1, (last - first).days))
        edges = (self._instants(day) for day in {first, last})
        lengths = ((min(closes, until) - max(opens, since)) for spans in edges for opens, closes in spans)
        return sum(max(0.0, one.total_seconds()) for one in lengths) + sum(self._open_s(day) for day in inner)

    def _open_s(self, day: date) -> float:
        """For how long the site is open on a day."""
        turned = self._offset(day) != self._offset(day + timedelta(days=1))
        if turned or day in self.exceptions:
            return sum((closes - opens).total_seconds() for opens, closes in self._instants(day))
        return self._week_s[day.weekday()]

    @cached_property
    def _week_s(self) -> list[float]:
        """For how long the site is open on each day of a week on which no clock is turned."""
        return [
            sum(_seconds(span) for span in self.week.get(day, ())) if self.week else 86_400.0
            for day in range(7)
        ]

    def _offset(self, day: date) -> timedelta | None:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).utcoffset()

    def open_by_slot(self, since: datetime, until: datetime) -> Counter[int]:
        """For how many seconds the site is open between two instants, by hour of the week: 0 is Monday from midnight.

        As the clock on the wall says; the nights on which it is turned count like others.
        """
        first, last = self.local(since), self.local(until)
        own = {first.date(), last.date(), *self._exceptions(first.date(), last.date())}
        spans: Counter[tuple[int, int, int]] = Counter()
        for day in own:
            low = _into_day(first) if day == first.date() else 0
            high = _into_day(last) if day == last.date() else _DAY_S
            for opens, closes in self._intervals(day):
                spans[day.weekday(), max(low, _clock_s(opens)), min(high, _clock_s(closes))] += 1
        for weekday, times in _plain_days(first.date(), last.date(), own).items():
            for opens, closes in self._usual(weekday):
                spans[weekday, _clock_s(opens), _clock_s(closes)] += times
        found: Counter[int] = Counter()
        for (weekday, begin, end), times in spans.items():
            for hour in range(begin // 3600, -(-end // 3600)):
                inside = min(end, (hour + 1) * 3600) - max(begin, hour * 3600)
                found[weekday * 24 + hour] += max(0, inside) * times
        return found

    def local(self, instant: datetime) -> datetime:
        """The same instant, in the site's zone."""
        return instant.astimezone(ZoneInfo(self.zone))

    def local_date(self, instant: datetime) -> date:
        """The calendar day of an instant, where the site is."""
        return self.local(instant).date()

    def day_bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The beginning and end (UTC) of the site's local day."""
        today = self.local_date(now)
        return self._instant(today, "00:00"), self._instant(today + timedelta(days=1), "00:00")

    def week_start(self, now: datetime) -> datetime:
        """The beginning (UTC) of the site's local week, a Monday."""
        today = self.local_date(now)
        return self._instant(today - timedelta(days=today.weekday()), "00:00")

    def _spans(self, now: datetime, days: int = _HORIZON_DAYS) -> Iterator[tuple[datetime, datetime]]:
        yesterday = self.local_date(now) - timedelta(days=1)
        for offset in range(days):
            day = yesterday + timedelta(days=offset)
            yield from self._instants(day)

    def _instants(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for opens, closes in sorted(self._intervals(day)):
            yield self._instant(day, opens), self._instant(day, closes)

    def _intervals(self, day: date) -> Sequence[Interval]:
        if day in self.exceptions:
            return self.exceptions[day]
        return self._usual(day.weekday())

    def _usual(self, weekday: int) -> Sequence[Interval]:
        return self.week.get(weekday, ()) if self.week else (("00:00", "24:00"),)

    def _exceptions(self, first: date, last: date) -> Iterator[date]:
        return (day for day in self.exceptions if first <= day <= last)

    def _instant(self, day: date, clock: str) -> datetime:
        if clock == "24:00":
            day, clock = day + timedelta(days=1), "00:00"
        local = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(self.zone))
        return local.astimezone(UTC)


def _plain_days(first: date, last: date, own: Collection[date]) -> Counter[int]:
    """How often each weekday comes from the first day to the last, those aside that are on their own."""
    weeks, rest = divmod((last - first).days + 1, 7)
    found = Counter({(first.weekday() + number) % 7: weeks + (number < rest) for number in range(7)})
    found.subtract(day.weekday() for day in own)
    return found


def _into_day(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second


def _clock_s(clock: str) -> int:
    """How long after midnight it is: 86,400 for 24:00."""
    return (int(clock[:2]) * 60 + int(clock[3:])) * 60


def _seconds(span: Interval) -> float:
    """How long an interval is by the clock on the wall."""
    opens, closes = map(_clock_s, span)
    return float(closes - opens)


def from_json(
    zone: str, week: Mapping[str, Any] | None, exceptions: Mapping[str, Any] | None
) -> OpeningHours:
    """The hours as stored: {"0": [["09:00", "12:00"]]} and {"2026-12-25": []}. Raises Invalid."""
    days = {int(day): _intervals("horaires", day, spans) for day, spans in (week or {}).items() if _day(day)}
    dates = {_date(day): _intervals("exceptions", day, spans) for day, spans in (exceptions or {}).items()}
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise Invalid("zone", "valeur_invalide", regle="un fuseau IANA, comme Indian/Reunion") from None
    return OpeningHours(zone, days, dates)


def _day(day: str) -> bool:
    if day not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise Invalid("horaires", "valeur_invalide", regle="un jour de 0 (lundi) à 6 (dimanche)")
    return True


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except (ValueError, TypeError):
        raise Invalid("exceptions", "valeur_invalide", regle="une date AAAA-MM-JJ") from None


def _intervals(field_name: str, day: str, spans: Any) -> tuple[Interval, ...]:
    try:
        return tuple(_interval(span) for span in spans)
    except (ValueError, TypeError):
        rule = f"{day} : des intervalles comme 09:00-12:30"
        raise Invalid(field_name, "valeur_invalide", regle=rule) from None


def _interval(span: Any) -> Interval:
    opens, closes = span
    if time.fromisoformat(opens).strftime("%H:%M") != opens:
        raise ValueError(opens)
    if closes != "24:00" and time.fromisoformat(closes).strftime("%H:%M") != closes:
        raise ValueError(closes)
    if not opens < closes:
        raise ValueError(closes)
    return opens, closes
