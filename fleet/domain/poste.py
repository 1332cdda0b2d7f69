"""What a poste is for the desk: what is wanted of it and what is observed, apart, and the statut of both."""

import re
from dataclasses import dataclass

from fleet.domain.utilisateur import searchable

EN_SERVICE, MAINTENANCE, HORS_LIGNE = "en_service", "maintenance", "hors_ligne"
WANTED = (EN_SERVICE, MAINTENANCE, HORS_LIGNE)
DISPONIBLE, OCCUPE, RESERVE, NETTOYAGE = "disponible", "occupe", "reserve", "nettoyage"
STATUTS = (DISPONIBLE, OCCUPE, RESERVE, NETTOYAGE, MAINTENANCE, HORS_LIGNE)
SETTABLE = {DISPONIBLE: EN_SERVICE, MAINTENANCE: MAINTENANCE, HORS_LIGNE: HORS_LIGNE}


@dataclass(frozen=True)
class Observed:
    """What is known of a poste. `online` is None while nobody knows (the controller lost the broker)."""

    wanted: str
    online: bool | None
    phase: str | None = None
    has_session: bool = False
    is_reserved: bool = False
    needs_care: bool = False


def statut(seen: Observed) -> str:
    """The one word of the board. Derived, never edited."""
    if seen.wanted == HORS_LIGNE:
        return HORS_LIGNE
    if seen.has_session:
        return OCCUPE
    if seen.wanted == MAINTENANCE or seen.needs_care:
        return MAINTENANCE
    if seen.online is False:
        return HORS_LIGNE
    if seen.phase == "cleaning":
        return NETTOYAGE
    if seen.phase == MAINTENANCE:
        return MAINTENANCE  # a technician has it open, or it has not heard yet that it is in service again
    return RESERVE if seen.is_reserved else DISPONIBLE


def sort_key(nom: str) -> str:
    """What a poste is sorted by: "Poste 2" before "Poste 10", "étage" where "etage" would be."""
    return re.sub("[0-9]+", lambda number: number[0].zfill(8), searchable(nom))
