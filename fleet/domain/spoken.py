"""Instants as people say them, in the zone that they carry."""

from datetime import datetime, timedelta
from typing import Any

_DAYS = (
    ("lundi", "Monday"), ("mardi", "Tuesday"), ("mercredi", "Wednesday"), ("jeudi", "Thursday"),
    ("vendredi", "Friday"), ("samedi", "Saturday"), ("dimanche", "Sunday"),
)  # fmt: skip
_MONTHS = (
    ("janvier", "January"), ("février", "February"), ("mars", "March"), ("avril", "April"), ("mai", "May"),
    ("juin", "June"), ("juillet", "July"), ("août", "August"), ("septembre", "September"),
    ("octobre", "October"), ("novembre", "November"), ("décembre", "December"),
)  # fmt: skip


def blank(name: str, instant: datetime | None, now: datetime) -> dict[str, Any]:
    """The details that fill the blank `name` in French and in English. No instant: nobody knows it yet."""
    if instant is None:
        return {f"{name}_fr": "pas encore fixée", f"{name}_en": "to be announced"}
    here = now.astimezone(instant.tzinfo)
    return {
        f"{name}_fr": f"{_day_fr(instant, here)} à {_hour_fr(instant)}",
        f"{name}_en": f"{_day_en(instant, here)} at {instant.hour}:{instant.minute:02}",
    }


def _day_fr(instant: datetime, here: datetime) -> str:
    if instant.date() == here.date():
        return "aujourd’hui"
    if instant.date() == here.date() + timedelta(days=1):
        return "demain"
    number = "1er" if instant.day == 1 else str(instant.day)
    return f"{_DAYS[instant.weekday()][0]} {number} {_MONTHS[instant.month - 1][0]}{_year(instant, here)}"


def _day_en(instant: datetime, here: datetime) -> str:
    if instant.date() == here.date():
        return "today"
    if instant.date() == here.date() + timedelta(days=1):
        return "tomorrow"
    return (
        f"{_DAYS[instant.weekday()][1]} {instant.day} {_MONTHS[instant.month - 1][1]}{_year(instant, here)}"
    )


def _hour_fr(instant: datetime) -> str:
    if (instant.hour, instant.minute) == (0, 0):
        return "minuit"
    minutes = f"\u00a0{instant.minute:02}" if instant.minute else ""
    return f"{instant.hour}\u00a0h{minutes}"


def _year(instant: datetime, here: datetime) -> str:
    return "" if instant.year == here.year else f" {instant.year}"
