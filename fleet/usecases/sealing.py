"""Codes at rest: found by their HMAC, shown again only by who has the key.

Both keys live outside the database and its backups.
"""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fleet.domain import access_code

_NONCE = 12


@dataclass(frozen=True)
class CodeKeys:
    """The keys of a deployment's codes, both derived from one secret of at least 32 bytes."""

    index_key: bytes
    seal_key: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> "CodeKeys":
        """The keys that a deployment's secret gives. Raises ValueError when it is too short."""
        if len(secret) < 32:
            raise ValueError("the secret of the codes needs at least 32 bytes")
        return cls(_derive(secret, b"ppm code index"), _derive(secret, b"ppm code seal"))

    def index(self, code: str) -> bytes:
        """Under what a code is stored."""
        return access_code.index(code, self.index_key)

    def seal(self, code: str) -> bytes:
        """The code, encrypted, for an audited reprint while it is usable."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.seal_key).encrypt(nonce, code.encode(), None)

    def unseal(self, sealed: bytes) -> str | None:
        """The code again, or None when it was sealed with another key."""
        try:
            return AESGCM(self.seal_key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
        except InvalidTag:
            return None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
