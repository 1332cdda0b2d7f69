"""The old part of the audit trail: copied into files that hold by themselves, and deleted only when it is there.

A file is compressed JSON lines: a head, the entries as `fleet.database.audit.line` writes them, a foot. Its entries
chain on from those of the file before, so that all files together with the table are one trail. Nothing
personal goes there.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import delete, func, insert, select, text, update

from fleet.database import audit, purges, rollups
from fleet.database.audit import GENESIS
from fleet.database.engine import Transaction
from fleet.database.tables import log, log_archive, site
from fleet.jobs.failures import JobFailed
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings

MOST_LINES = 50_000
FORMAT = 1


@dataclass(frozen=True)
class _Part:
    chain: int
    name: str
    after: int
    until: int
    previous: bytes


def archive(run: Run, settings: JobSettings) -> dict[str, Any]:
    """Copy all entries from before this month. Gives how many, in how many files."""
    if settings.archives is None:
        return {"sans_dossier": True}
    settings.archives.mkdir(parents=True, exist_ok=True, mode=0o750)
    lines = files = 0
    while (part := _next_part(run, settings.zone)) is not None:
        path = settings.archives / f"journal-{part.name}-{part.after + 1}-{part.until}.jsonl.gz"
        last, digest = _write(run, part, path)
        with run.step() as tx:
            kept = {"dernier": part.until, "previous_hash": part.previous, "hash": last, "fichier": path.name}
            tx.execute(
                insert(log_archive).values(
                    chain=part.chain, premier=part.after + 1, sha256=digest, created_at=tx.now, **kept
                )
            )
        lines, files = lines + part.until - part.after, files + 1
    return {"lignes": lines, "fichiers": files}


def _next_part(run: Run, zone: str) -> _Part | None:
    with run.step() as tx:
        local = tx.now.astimezone(ZoneInfo(zone))
        month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        names = {0: "deploiement", **{row.id: row.slug for row in tx.execute(select(site.c.id, site.c.slug))}}
        done = {row.chain: row for row in tx.execute(select(log_archive).order_by(log_archive.c.dernier))}
        for anchor in audit.anchors(tx.connection):
            known = done.get(anchor.chain)
            after, previous = (known.dernier, bytes(known.hash)) if known else (0, GENESIS)
            until = _last_before(tx, anchor.chain, after, month)
            if until > after:
                name = names.get(anchor.chain, str(anchor.chain))
                return _Part(anchor.chain, name, after, min(until, after + MOST_LINES), previous)
        return None


def _last_before(tx: Transaction, chain: int, after: int, limit: datetime) -> int:
    old = (audit.on_chain(chain), log.c.numero > after, log.c.created_at < limit)
    return int(tx.execute(select(func.coalesce(func.max(log.c.numero), 0)).where(*old)).scalar_one())


def _write(run: Run, part: _Part, path: Path) -> tuple[bytes, bytes]:
    """The hash of the last entry and the digest of the file. Raises ArchiveLost where the chain does not hold."""
    draft, previous = path.with_suffix(".draft"), part.previous
    with run.database.read() as tx, gzip.open(draft, "wb") as file:
        file.write(_json({"format": FORMAT, "chain": part.chain, "premier": part.after + 1}))
        for row in audit.rows_of(tx.connection, part.chain, part.after, part.until).mappings():
            if audit.wrong(row, previous) is not None:
                raise ArchiveLost("journal_rompu", chaine=part.name, numero=row["numero"])
            line = audit.line(dict(row))
            file.write(line + b"\n")
            previous = bytes(row["hash"])
        file.write(_json({"dernier": part.until, "hash": previous.hex()}))
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(path)
    return previous, _digest(path)


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def clean(run: Run, settings: JobSettings) -> dict[str, Any]:
    """Delete the entries that are too old and whose file is there and whole."""
    if settings.archives is None:
        return {"sans_dossier": True}
    deleted, lost = 0, []
    for part in _purgeable(run, settings):
        path = settings.archives / part.fichier
        if not path.exists() or _digest(path) != bytes(part.sha256):
            lost.append(part.fichier)
            continue
        with run.step() as tx:
            deleted += _purge(tx, part)
    if lost:
        raise ArchiveLost("archive_perdue", fichiers=", ".join(lost))
    return {"lignes": deleted}


class ArchiveLost(JobFailed):
    """A file is not there or not whole, or the chain does not hold: the entries stay in the database."""


def _purgeable(run: Run, settings: JobSettings) -> list[Any]:
    with run.step() as tx:
        newest = select(log.c.created_at).where(
            func.coalesce(log.c.site_id, text("0")) == log_archive.c.chain,
            log.c.numero == log_archive.c.dernier,
        )
        old = newest.correlate(log_archive).scalar_subquery() < tx.now - settings.keep.logs
        wanted = select(log_archive).where(log_archive.c.purge_a.is_(None), old)
        return list(tx.execute(wanted.order_by(log_archive.c.chain, log_archive.c.premier)))


def _purge(tx: Transaction, part: Any) -> int:
    span = (audit.on_chain(part.chain), log.c.numero.between(part.premier, part.dernier))
    first, last = tx.execute(
        select(func.min(log.c.created_at), func.max(log.c.created_at)).where(*span)
    ).one()
    if first is not None:
        rollups.forget(tx, rollups.LOGS, part.chain, first, last)
    deleted = tx.execute(delete(log).where(*span)).rowcount
    mine = (log_archive.c.chain == part.chain, log_archive.c.premier == part.premier)
    tx.execute(update(log_archive).where(*mine).values(purge_a=tx.now))
    facts = {"fichier": part.fichier, "premier": part.premier, "dernier": part.dernier}
    purges.certify(tx, "journal", deleted, site_id=part.chain or None, details=facts)
    return deleted


def check(folder: Path, tx: Transaction) -> Iterator[str]:
    """What is wrong with the files: each must be there, whole, and chain on from the one before."""
    previous: dict[int, bytes] = {}
    for part in tx.execute(select(log_archive).order_by(log_archive.c.chain, log_archive.c.premier)):
        try:
            last = _read(folder / part.fichier, previous.get(part.chain, GENESIS))
        except (OSError, ValueError, EOFError) as error:
            yield f"{part.fichier}: {error}"
            last = b""
        if last != bytes(part.hash):
            yield f"{part.fichier}: does not end where the trail goes on"
        previous[part.chain] = bytes(part.hash)


def _read(path: Path, previous: bytes) -> bytes:
    with gzip.open(path, "rb") as file:
        lines = file.read().splitlines()
    for line in lines[1:-1]:
        _, before, after = audit.read_line(line)
        if before != previous:
            raise ValueError("does not follow its predecessor")
        previous = after
    return previous
