"""What is told to the outside, and how long it is tried."""

from datetime import timedelta

ALERTE, FIN_ALERTE, RAPPORT = "alerte", "fin_alerte", "rapport"
GENRES = (ALERTE, FIN_ALERTE, RAPPORT)
A_ENVOYER, ENVOYE, ABANDONNE = "a_envoyer", "envoye", "abandonne"
STATUTS = (A_ENVOYER, ENVOYE, ABANDONNE)
LIFE = timedelta(hours=24)
"""What could not be told for so long is given up: by then somebody has seen the page."""
LONGEST_PAUSE = timedelta(hours=1)
TROUBLE = 3
"""After so many tries in vain a target that does not answer is an alert itself."""


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries: a minute, doubling up to an hour."""
    return min(timedelta(minutes=2 ** min(tries - 1, 10)), LONGEST_PAUSE)
