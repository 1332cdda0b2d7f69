"""Passwords at rest: argon2id. A hash takes a tenth of a second and 64 MiB: in threads of its own, few at a time."""

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fleet.domain.errors import Invalid

SHORTEST, LONGEST = 10, 200
_hasher = PasswordHasher()
# What an unknown login is compared with, so that it takes as long as a known one. Of a password nobody has.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBmaXhlZCBzYWx0IQ$6DG0qwqxxrLhGOrwkjXtcHPDxW9hTGjgRBCh8gxtUWM"


def hashed(password: str, field: str = "mot_de_passe") -> str:
    """What is stored of a password. Raises Invalid for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(field, "valeur_invalide", regle=f"de {SHORTEST} à {LONGEST} caractères")
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password; takes the same time for an operator that does not exist."""
    try:
        _hasher.verify(stored or _NOBODY, password[:LONGEST])
        return stored is not None
    except (VerificationError, InvalidHashError):
        return False


def digest(token: str) -> bytes:
    """What is stored of a token: it is random and long, so that nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()
