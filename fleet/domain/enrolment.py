"""How a machine becomes a poste: a token that is good once, for a short while, for one poste.

It is written in the letters of access codes, which people can read and type: 28 of 32 symbols are 140 bits.
"""

import secrets
from datetime import timedelta

from fleet.domain.access_code import ALPHABET

TTL = timedelta(minutes=15)
"""How long a token is good."""
OUVERT, UTILISE, RETIRE = "ouvert", "utilise", "retire"
STATUTS = (OUVERT, UTILISE, RETIRE)
REQUEST_TTL = timedelta(hours=24)
"""How long a machine that asked is remembered after it last did."""
MOST_REQUESTS = 200
"""How many machines that ask are remembered, whoever asks."""
_LENGTH, _GROUP = 28, 4


def generate() -> str:
    """A new random token."""
    return "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))


def normalise(typed: str) -> str | None:
    """The token that somebody meant: any case, hyphens and spaces ignored. None when it can be no token."""
    token = "".join(typed.replace("-", " ").split()).upper()
    if len(token) != _LENGTH or any(symbol not in ALPHABET for symbol in token):
        return None
    return token


def grouped(token: str) -> str:
    """The token as it is shown: seven groups of four."""
    return "-".join(token[start : start + _GROUP] for start in range(0, len(token), _GROUP))
