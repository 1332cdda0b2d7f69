"""The technician's secret of one poste: chosen at its installation, never a default, kept as a slow hash."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

SHORTEST = 12
FILE = "technician.json"
_N, _R, _P = 1 << 14, 8, 1
_MEMORY = 64 << 20


class _Kept(msgspec.Struct):
    """A salt, a hash, and how it was made."""

    salt: bytes
    hash: bytes
    n: int = _N
    r: int = _R
    p: int = _P


def write(folder: Path, secret: str) -> None:
    """Keep the hash of this secret in the place of any other. Raises ValueError for a short one, or OSError."""
    if len(secret) < SHORTEST:
        raise ValueError(f"a technician's secret has {SHORTEST} characters or more")
    salt = secrets.token_bytes(16)
    kept = _Kept(salt, b"")
    kept.hash = _hashed(secret, kept)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(kept))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE)


def is_set(folder: Path) -> bool:
    """Whether there is one that can be read."""
    return _read(folder) is not None


def fits(folder: Path, typed: str) -> bool:
    """Whether this is the secret; nothing is where none was set. Takes a tenth of a second, on purpose."""
    kept = _read(folder)
    return kept is not None and hmac.compare_digest(_hashed(typed, kept), kept.hash)


def _read(folder: Path) -> _Kept | None:
    try:
        kept = msgspec.json.decode((folder / FILE).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return kept if kept.hash and kept.n >= _N else None


def _hashed(secret: str, how: _Kept) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=how.salt, n=how.n, r=how.r, p=how.p, maxmem=_MEMORY, dklen=32)
