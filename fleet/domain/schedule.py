"""When a job is due, by the local calendar. A slot names a day or a month, so that no change of clocks doubles it."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True)
class Schedule:
    """Every day at a local time, or on the first of every month."""

    at: time
    monthly: bool = False

    def slot(self, now: datetime, zone: str) -> str:
        """The day ("2026-11-21") or month ("2026-11") whose run was due last."""
        day = self._last(now, zone)
        return f"{day:%Y-%m}" if self.monthly else f"{day:%Y-%m-%d}"

    def next(self, now: datetime, zone: str) -> datetime:
        """When it is due next, in UTC."""
        last = self._last(now, zone)
        later = (last + _LONGEST_MONTH).replace(day=1) if self.monthly else last + timedelta(days=1)
        return later.astimezone(UTC)

    def _last(self, now: datetime, zone: str) -> datetime:
        local = now.astimezone(ZoneInfo(zone))
        due = local.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        if self.monthly:
            due = due.replace(day=1)
        if due > local:
            due -= timedelta(days=1)
            due = due.replace(day=1) if self.monthly else due
        return due
