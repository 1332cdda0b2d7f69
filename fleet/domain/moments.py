"""Instants as people say them, in both languages: « demain à 9 h », "tomorrow at 9:00"."""

from datetime import date, datetime, timedelta
from typing import Any

_DAYS = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_NEAR = {"fr": ("aujourd’hui", "demain"), "en": ("today", "tomorrow")}
_NEVER = {"fr": "à une date qui n’est pas encore fixée", "en": "at a date to be announced"}
_AT = {"fr": "à", "en": "at"}


def blank(name: str, instant: datetime | None, now: datetime) -> dict[str, Any]:
    """What fills the blank `name` of a sentence, in each language. The instant is said in the zone that it carries."""
    return {f"{name}_{language}": _said(instant, now, language) for language in _DAYS}


def long_day(day: date) -> str:
    """A day in French, with its year: « samedi 31 janvier 2026 »."""
    return f"{_dated(day, 'fr')} {day.year}"


def _said(instant: datetime | None, now: datetime, language: str) -> str:
    if instant is None:
        return _NEVER[language]
    day = _day(instant.date(), now.astimezone(instant.tzinfo).date(), language)
    return f"{day} {_AT[language]} {_clock(instant, language)}"


def _day(day: date, today: date, language: str) -> str:
    away = (day - today) // timedelta(days=1)
    if 0 <= away < len(_NEAR[language]):
        return _NEAR[language][away]
    said = _dated(day, language)
    return said if day.year == today.year else f"{said} {day.year}"


def _dated(day: date, language: str) -> str:
    number = "1er" if day.day == 1 and language == "fr" else str(day.day)
    return f"{_DAYS[language][day.weekday()]} {number} {_MONTHS[language][day.month - 1]}"


def _clock(instant: datetime, language: str) -> str:
    if language == "en":
        return f"{instant.hour}:{instant:%M}"
    if (instant.hour, instant.minute) == (0, 0):
        return "minuit"
    minutes = f"\u00a0{instant:%M}" if instant.minute else ""
    return f"{instant.hour}\u00a0h{minutes}"
