"""Instants as people say them."""

from datetime import UTC, datetime

import pytest

from fleet.domain import moments
from fleet.domain.opening_hours import OpeningHours
from fleet.domain.reasons import sentence

REUNION = OpeningHours("Indian/Reunion")
NOW = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
"""Saturday 21 November, 1:30 on La Réunion: still Friday in London."""


@pytest.mark.parametrize(
    ("instant", "french", "english"),
    [
        (datetime(2026, 11, 21, 5, tzinfo=UTC), "aujourd’hui à 9\u00a0h", "today at 9:00"),
        (datetime(2026, 11, 22, 5, 30, tzinfo=UTC), "demain à 9\u00a0h\u00a030", "tomorrow at 9:30"),
        (
            datetime(2026, 11, 24, 10, 5, tzinfo=UTC),
            "mardi 24 novembre à 14\u00a0h\u00a005",
            "Tuesday 24 November at 14:05",
        ),
        (datetime(2026, 11, 30, 20, tzinfo=UTC), "mardi 1er décembre à minuit", "Tuesday 1 December at 0:00"),
        (
            datetime(2027, 1, 2, 5, tzinfo=UTC),
            "samedi 2 janvier 2027 à 9\u00a0h",
            "Saturday 2 January 2027 at 9:00",
        ),
    ],
)
def test_an_instant_is_said_where_the_site_is(instant: datetime, french: str, english: str) -> None:
    details = moments.blank("ouverture", REUNION.local(instant), NOW)
    assert details == {"ouverture_fr": french, "ouverture_en": english}
    assert sentence("ferme", "fr", details) == f"C’est fermé. Réouverture\u202f: {french}."
    assert sentence("ferme", "en", details) == f"We are closed. Next opening: {english}."


def test_a_site_that_never_opens_says_that_nobody_knows() -> None:
    details = moments.blank("ouverture", None, NOW)
    assert "pas encore fixée" in sentence("ferme", "fr", details)
    assert "to be announced" in sentence("ferme", "en", details)
