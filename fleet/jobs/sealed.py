"""A file that only the holder of a secret can read, and in which every change, swap and cut is seen.

A random salt, then chunks: a length, and as many bytes of AES-256-GCM. The nonce of a chunk is its number; the last
one says that it is the last.
"""

import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fleet.jobs.failures import JobFailed

MAGIC = b"PPM sealed 1\n"
CHUNK = 1 << 20
_SALT = 16
_TAG = 16


class NotOurs(JobFailed):
    """The secret is another one, or the file was altered or cut."""


def seal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Write all of `source` into `target`, encrypted."""
    salt = secrets.token_bytes(_SALT)
    target.write(MAGIC + salt)
    cipher, number, chunk = _cipher(secret, salt), 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        sealed = cipher.encrypt(_nonce(number, last=not following), chunk, None)
        target.write(len(sealed).to_bytes(4) + sealed)
        if not following:
            return
        number, chunk = number + 1, following


def unseal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Write what was sealed into `target`. Raises NotOurs; what was written by then is worth nothing."""
    if source.read(len(MAGIC)) != MAGIC:
        raise NotOurs("sauvegarde_illisible")
    cipher, number = _cipher(secret, source.read(_SALT)), 0
    size = source.read(4)
    while size:
        sealed = source.read(min(int.from_bytes(size), CHUNK + _TAG))
        size = source.read(4)
        try:
            target.write(cipher.decrypt(_nonce(number, last=not size), sealed, None))
        except InvalidTag:
            raise NotOurs("sauvegarde_autre_secret") from None
        number += 1
    if not number:
        raise NotOurs("sauvegarde_autre_secret")


def _cipher(secret: str, salt: bytes) -> AESGCM:
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"ppm backup").derive(secret.encode())
    return AESGCM(key)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def fingerprint(secret: str) -> str:
    """By which one sees that a secret is the same, and from which it cannot be told."""
    info = b"ppm fingerprint"
    return HKDF(algorithm=SHA256(), length=8, salt=None, info=info).derive(secret.encode()).hex()
