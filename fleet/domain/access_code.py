"""Access codes: six characters that people can read, say and type.

The alphabet is A-Z and 2-9 without I and O (and without 0 and 1): 32 symbols, 30 bits. A code is looked up by
its HMAC, so that neither a dump of the database nor a log tells a usable one.
"""

import hashlib
import hmac
import secrets

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 6


def generate() -> str:
    """A new random code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(typed: str) -> str | None:
    """The code that a person meant: any case, spaces ignored. None when it can be no code."""
    code = "".join(typed.split()).upper()
    if len(code) != LENGTH or any(symbol not in ALPHABET for symbol in code):
        return None
    return code


def index(code: str, key: bytes) -> bytes:
    """Under what a code is stored and found: HMAC-SHA256 with a key that is kept outside the database."""
    return hmac.digest(key, code.encode(), hashlib.sha256)


def grouped(code: str) -> str:
    """The code as it is shown: two groups of three."""
    return f"{code[:3]} {code[3:]}"
