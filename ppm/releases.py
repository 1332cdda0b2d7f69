"""The folder of releases: each wheel of the agent with a statement beside it, signed by the site's own key.

poste_public_manager-0.2.0-py3-none-any.whl
poste_public_manager-0.2.0-py3-none-any.whl.sig     the release as JSON: version, digest, size, signature
"""

import base64
import hashlib
import os
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk_agent.updating.release import order
from protocol.release import Release, statement

NAME = "poste-public-manager"


class BadWheel(ValueError):
    """The file is no wheel that a poste can install."""


def new_key() -> bytes:
    """A private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> str:
    """What postes pin, as their setting has it."""
    raw = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return base64.b64encode(raw).decode()


def add(folder: Path, wheel: Path, private: bytes) -> Release:
    """Sign this wheel and put it there, statement last: what is half there is not served. Raises BadWheel, OSError."""
    content = wheel.read_bytes()
    release = _signed(_version(wheel), wheel.name, content, private)
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    _put(folder / wheel.name, content)
    _put(folder / f"{wheel.name}.sig", msgspec.json.encode(release))
    return release


def _signed(version: str, file: str, content: bytes, private: bytes) -> Release:
    sha256 = hashlib.sha256(content).hexdigest()
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(statement(version, sha256))
    return Release(
        version=version, sha256=sha256, size=len(content), file=file,
        signature=base64.b64encode(signature).decode(),
    )  # fmt: skip


def _version(wheel: Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as opened:
            names = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
            if len(names) != 1 or opened.testzip() is not None:
                raise BadWheel(f"{wheel}: this is no whole wheel")
            said = HeaderParser().parsestr(opened.read(names[0]).decode())
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise BadWheel(f"{wheel}: {error}") from None
    if said["Name"] != NAME:
        raise BadWheel(f"{wheel}: this is {said['Name']}, not {NAME}")
    try:
        order(said["Version"])
    except ValueError as error:
        raise BadWheel(f"{wheel}: {error}") from None
    return str(said["Version"])


def _put(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o644)
    new.replace(path)
