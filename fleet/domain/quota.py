"""How much of the public computers one person may use."""

from dataclasses import dataclass

from fleet.domain.errors import Refused
from fleet.domain.policy import Policy

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Usage:
    """What a person has had: sessions of the site's local day (codes not yet used count), time of day and week."""

    sessions_today: int = 0
    today_ms: int = 0
    week_ms: int = 0


@dataclass(frozen=True)
class Left:
    """What a person may still have; None: no limit."""

    sessions_today: int | None
    today_ms: int | None
    week_ms: int | None


def left(usage: Usage, policy: Policy, category: str | None) -> Left:
    """What the quotas leave of a day and of a week."""
    return Left(
        _rest(policy.sessions_per_day, usage.sessions_today),
        _rest(_ms(policy.minutes_today(category)), usage.today_ms),
        _rest(_ms(policy.minutes_per_week), usage.week_ms),
    )


def _ms(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * MINUTE_MS


def _rest(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def check(usage: Usage, asked_ms: int, policy: Policy, category: str | None) -> None:
    """Refuse one more session of `asked_ms`. Raises Refused with the quota that is reached."""
    if policy.sessions_per_day is not None and usage.sessions_today >= policy.sessions_per_day:
        raise Refused("quota_sessions_jour", limite=policy.sessions_per_day)
    check_time(usage, asked_ms, policy, category)


def check_time(usage: Usage, asked_ms: int, policy: Policy, category: str | None) -> None:
    """Refuse `asked_ms` more of time. Raises Refused with the quota that is reached."""
    per_day = policy.minutes_today(category)
    if per_day is not None and usage.today_ms + asked_ms > per_day * MINUTE_MS:
        raise Refused("quota_minutes_jour", limite=per_day)
    per_week = policy.minutes_per_week
    if per_week is not None and usage.week_ms + asked_ms > per_week * MINUTE_MS:
        raise Refused("quota_minutes_semaine", limite=per_week)
