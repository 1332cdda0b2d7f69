"""Who was forgotten, in a file beside the backups: it outlives the database, and a restore reads it.

Numbers and instants only, nothing personal. Lines are only ever added, on the disk before the transaction that
forgets commits; each begins with a line feed, so that one that a crash has cut short spoils no other.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from fleet.domain.errors import Refused

NAME = "effacements.jsonl"
FORGOTTEN, CONSENT, BACKUP = "oubli", "consentement", "sauvegarde"
log = logging.getLogger(__name__)


class Line(Struct, frozen=True, omit_defaults=True):
    """Somebody was forgotten, or took the consent back, or a backup was about to be made."""

    quoi: str
    le: datetime
    utilisateur: int | None = None


@dataclass(frozen=True)
class Found:
    """What a register says. `unread` lines could not be read: cut short, or damaged."""

    lines: list[Line]
    unread: int = 0


class Register:
    """The list of a deployment. Several processes may add to it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, lines: Sequence[Line]) -> None:
        """Write these so that they stay. Raises Refused: then nothing may be forgotten."""
        try:
            self._add(b"".join(b"\n" + msgspec.json.encode(line) for line in lines))
        except OSError as error:
            log.error("register_not_written", extra={"file": str(self.path), "error": error.strerror})
            raise Refused("effacement_non_inscrit") from error

    def _add(self, words: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not self.path.exists()
        with open(self.path, "ab", buffering=0, opener=_private) as file:
            while words:
                words = words[file.write(words) :]
            os.fsync(file.fileno())
        if is_new:
            _keep_name(self.path.parent)

    def read(self) -> Found | None:
        """All lines; None where there is no register that can be read."""
        try:
            written = [line for line in self.path.read_bytes().split(b"\n") if line]
        except OSError:
            return None
        lines = [line for line in map(_read, written) if line is not None]
        return Found(lines, len(written) - len(lines))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep_name(folder: Path) -> None:
    """A new file is in its folder for good only once the folder is on the disk; Windows has no such thing."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _read(written: bytes) -> Line | None:
    try:
        return msgspec.json.decode(written, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
