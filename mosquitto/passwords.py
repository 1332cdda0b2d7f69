"""Passwords as Mosquitto keeps them, computed without mosquitto_passwd."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 101
"""What Mosquitto uses. Accounts have long random passwords, so that more would only slow reconnections."""


def new_password() -> str:
    """A password nobody has to remember: 192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


def hash_password(password: str, salt: bytes | None = None) -> str:
    """The `$7$` form of a password file: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${_text(salt)}${_text(digest)}"


def matches(kept: str, password: str) -> bool:
    """Whether this is the password of which that hash is kept; False for what is no hash of ours."""
    try:
        _, kind, iterations, salt, _ = kept.split("$")
        same = hash_password(password, base64.b64decode(salt)) if int(iterations) == ITERATIONS else ""
    except ValueError:
        return False
    return kind == "7" and hmac.compare_digest(same, kept)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
