"""What a lock screen and its offline rules need to know of its site."""

from datetime import datetime
from typing import Literal

from fleet.database.places import Site
from fleet.domain.opening_hours import OpeningHours
from protocol import codec, messages

_IDLE: dict[str, Literal["off", "warn", "end"]] = {"off": "off", "warn": "warn", "end": "end"}
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


def message(site: Site, now: datetime) -> messages.Config:
    """The configuration of every poste of a site, as of `now`."""
    return messages.Config(
        rev=site.config_rev,
        site=codec.plain(site.nom),
        offline="suspend" if site.policy.offline == "suspend" else "continue",
        offline_after_ms=site.policy.offline_after_s * 1000,
        idle_s=site.policy.idle_s,
        idle=_IDLE[site.policy.idle],
        notice=codec.plain(site.notice)[:2000],
        hours=_hours(site.hours),
        next_opening=site.hours.next_opening(now),
    )


def _hours(hours: OpeningHours) -> str:
    spans = ((day, hours.week.get(day, ())) for day in range(7) if hours.week)
    lines = (
        f"{_DAYS[day]} {', '.join(f'{a}-{b}' for a, b in sorted(open_)) or 'fermé'}" for day, open_ in spans
    )
    return "\n".join(lines)
