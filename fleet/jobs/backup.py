"""A backup: one file with the database (photos too), where its audit chains were, and which secrets belong to it.

The secrets themselves are never in it: only fingerprints, by which one sees that those at hand are the right ones.
"""

import hashlib
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from fleet.database import dump, schema
from fleet.database.audit import Anchor, Entry
from fleet.database.dump import DumpFailed
from fleet.database.engine import Database
from fleet.database.register import BACKUP, NAME, Line, Register
from fleet.domain.errors import Refused
from fleet.jobs import sealed
from fleet.jobs.failures import JobFailed
from fleet.jobs.ledger import Run
from fleet.jobs.settings import Backups, JobSettings

MANIFEST, DATA = "manifest.json", "database"
PLAIN, SEALED = ".tar", ".tar.sealed"
_PREFIX = "ppm-"


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    format: int = 1
    taken_at: datetime
    database: str
    revision: str | None
    software: str
    sha256: str
    anchors: list[Anchor]
    secrets: dict[str, str]


def job(run: Run, settings: JobSettings) -> dict[str, Any]:
    """The daily backup, and the oldest ones deleted. Raises BackupFailed, too where no folder is set."""
    if settings.backups is None:
        raise BackupFailed("sauvegarde_sans_dossier")
    path = make(run.database, settings.backups, settings.software)
    return {
        "fichier": path.name,
        "octets": path.stat().st_size,
        "retires": len(rotate(settings.backups)),
    }


def make(database: Database, where: Backups, software: str) -> Path:
    """Write a backup; where it is. Raises BackupFailed."""
    where.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _begin_register(database, where.folder)
    with tempfile.TemporaryDirectory(dir=where.folder, prefix=".draft-") as folder:
        data = Path(folder) / DATA
        try:
            dumped = dump.dump(database, data)
        except DumpFailed as error:
            raise BackupFailed(error.reason, retry_after_s=None, **error.details) from error
        manifest = Manifest(
            taken_at=dumped.taken_at.astimezone(UTC),
            database=database.url.get_backend_name(),
            revision=schema.current(database),
            software=software,
            sha256=_digest(data),
            anchors=dumped.anchors,
            secrets=where.fingerprints,
        )
        draft = _wrapped(Path(folder), data, manifest, where.secret)
        path = (
            where.folder
            / f"{_PREFIX}{manifest.taken_at:%Y%m%dT%H%M%S.%fZ}{PLAIN if draft.suffix == PLAIN else SEALED}"
        )
        draft.replace(path)
    with database.transaction() as tx:
        tx.record(Entry("sauvegarde", metadata={"fichier": path.name, "octets": path.stat().st_size}))
    return path


def _begin_register(database: Database, folder: Path) -> None:
    """Before the copy: by its first line the register shows that it knows who was forgotten since."""
    with database.glance() as tx:
        line = Line(BACKUP, tx.now)
    try:
        Register(folder / NAME).add([line])
    except Refused as refused:
        raise BackupFailed("sauvegarde_sans_liste") from refused


class BackupFailed(JobFailed):
    """There is no backup of this day; the reason says why."""


def _wrapped(folder: Path, data: Path, manifest: Manifest, secret: str | None) -> Path:
    plain = folder / f"backup{PLAIN}"
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    with tarfile.open(plain, "w") as tar:
        tar.add(folder / MANIFEST, MANIFEST)
        tar.add(data, DATA)
    plain.chmod(0o600)
    if secret is None:
        return plain
    closed = folder / f"backup{SEALED}"
    with plain.open("rb") as source, closed.open("xb") as target:
        sealed.seal(source, target, secret)
    closed.chmod(0o600)
    return closed


def rotate(where: Backups) -> list[str]:
    """Delete all but the newest. Gives the names of those that are gone."""
    found = sorted(path for path in where.folder.glob(f"{_PREFIX}*") if path.name.endswith((PLAIN, SEALED)))
    old = found[: max(0, len(found) - where.keep)]
    for path in old:
        path.unlink()
    return [path.name for path in old]


def unwrap(path: Path, folder: Path, secret: str | None) -> tuple[Manifest, Path]:
    """What is in a backup: its manifest, and the copy of the database put into `folder`. Raises JobFailed."""
    try:
        with path.open("rb") as file:
            is_sealed = file.read(len(sealed.MAGIC)) == sealed.MAGIC
        if is_sealed and secret is None:
            raise JobFailed("sauvegarde_chiffree")
        plain = _unsealed(path, folder, secret) if is_sealed and secret else path
        with tarfile.open(plain, "r:") as tar:
            manifest = msgspec.json.decode(_member(tar, MANIFEST).read(), type=Manifest)
            data = folder / DATA
            with _member(tar, DATA) as source, data.open("xb") as target:
                while chunk := source.read(sealed.CHUNK):
                    target.write(chunk)
    except (tarfile.TarError, msgspec.DecodeError) as error:
        raise JobFailed("sauvegarde_illisible") from error
    if _digest(data) != manifest.sha256:
        raise JobFailed("sauvegarde_abimee")
    return manifest, data


def _unsealed(path: Path, folder: Path, secret: str) -> Path:
    plain = folder / f"backup{PLAIN}"
    with path.open("rb") as source, plain.open("xb") as target:
        sealed.unseal(source, target, secret)
    return plain


def _member(tar: tarfile.TarFile, name: str) -> BinaryIO:
    try:
        found = tar.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise JobFailed("sauvegarde_illisible")
    return found  # type: ignore[return-value]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
