"""Codes at rest: found by their HMAC, shown again only by who has the key; and keys of second factors, sealed.

All keys live outside the database and its backups.
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
    """The keys of a deployment, derived from one secret of at least 32 bytes."""

    index_key: bytes
    seal_key: bytes
    totp_key: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> "CodeKeys":
        """The keys that a deployment's secret gives. Raises ValueError when it is too short."""
        if len(secret) < 32:
            raise ValueError("the secret of the codes needs at least 32 bytes")
        purposes = (b"ppm code index", b"ppm code seal", b"ppm totp seal")
        return cls(*(_derive(secret, purpose) for purpose in purposes))

    def index(self, code: str) -> bytes:
        """Under what a code is stored."""
        return access_code.index(code, self.index_key)

    def seal(self, code: str) -> bytes:
        """The code, encrypted, for an audited reprint while it is usable."""
        return _seal(self.seal_key, code.encode(), None)

    def unseal(self, sealed: bytes) -> str | None:
        """The code again, or None when it was sealed with another key."""
        code = _unseal(self.seal_key, sealed, None)
        return None if code is None else code.decode()

    def seal_totp(self, key: bytes, operateur_id: int) -> bytes:
        """The key of an operator's second factor, encrypted for that operator."""
        return _seal(self.totp_key, key, str(operateur_id).encode())

    def unseal_totp(self, sealed: bytes, operateur_id: int) -> bytes | None:
        """The same again, or None when it was sealed with another key or for somebody else."""
        return _unseal(self.totp_key, sealed, str(operateur_id).encode())


def _seal(key: bytes, plain: bytes, bound_to: bytes | None) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def _unseal(key: bytes, sealed: bytes, bound_to: bytes | None) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except InvalidTag:
        return None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
