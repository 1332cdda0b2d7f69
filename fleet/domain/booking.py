"""A poste that is promised to somebody from an instant to another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.domain.opening_hours import OpeningHours

PREVUE, HONOREE, ANNULEE, ABSENTE = "prevue", "honoree", "annulee", "absente"
STATUTS = (PREVUE, HONOREE, ANNULEE, ABSENTE)
NEAR = timedelta(minutes=15)
"""How long before its beginning the board shows the poste as reserved."""
LATE = timedelta(minutes=15)
"""How long after its beginning a booking whose person has not come still holds the poste."""
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=12)
FARTHEST = timedelta(days=90)


def is_open_for(hours: OpeningHours, start: datetime, end: datetime) -> bool:
    """Whether the site is open from the beginning to the end of a promise."""
    closing = hours.closing(start)
    return hours.is_open(start) and (closing is None or closing >= end)


@dataclass(frozen=True)
class Booking:
    """The next promise of a poste, to one utilisateur or to a name."""

    id: int
    start: datetime
    utilisateur_id: int | None = None

    def is_for(self, utilisateur_id: int | None) -> bool:
        """Whether this person is the one who was promised the poste."""
        return utilisateur_id is not None and utilisateur_id == self.utilisateur_id
