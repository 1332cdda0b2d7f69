"""Who was forgotten since a backup: found beside it and in the database that it replaces, and forgotten again.

A line is about whoever had its number before its instant: numbers come again after a restore, and on SQLite.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from fleet.database import audit, erasing, people, purges
from fleet.database.audit import Anchor, Entry
from fleet.database.engine import Database, DatabaseDown, Transaction
from fleet.database.register import CONSENT, FORGOTTEN, NAME, Found, Line, Register
from fleet.database.sql import any_of
from fleet.database.tables import log, log_archive, utilisateur
from fleet.domain.actor import SYSTEM
from fleet.domain.session import EN_ATTENTE, USABLE
from fleet.jobs.backup import Manifest
from fleet.usecases import consents, utilisateurs, withdrawals

_TOLD = {"purge": FORGOTTEN, "suppression_utilisateur": FORGOTTEN, "revocation_consentement": CONSENT}
"""The lines of the trail that name somebody who was forgotten, or took the consent back."""


@dataclass(frozen=True)
class Known:
    """What is known of who was forgotten: whether it is all since the backup, and the newest of it."""

    lines: list[Line]
    is_whole: bool

    @property
    def until(self) -> datetime | None:
        """Up to when there is something to know it by."""
        return max((line.le for line in self.lines), default=None)


@dataclass(frozen=True)
class Again:
    """How many people were forgotten again, and how many consents taken back again."""

    people: int
    consents: int


def known(database: Database, path: Path, manifest: Manifest) -> Known:
    """What the registers say, beside the backup at `path` and of this deployment, and what the database still tells."""
    own = () if database.register is None else (database.register.path,)
    places = dict.fromkeys(one.resolve() for one in (path.parent / NAME, *own))
    found = [one for place in places if (one := Register(place).read()) is not None]
    told, tells_all = _told(database, manifest)
    lines = [*(line for one in found for line in one.lines), *told]
    return Known(lines, tells_all or any(_covers(one, manifest.taken_at) for one in found))


def _covers(found: Found, taken_at: datetime) -> bool:
    return not found.unread and any(line.le <= taken_at for line in found.lines)


def _told(database: Database, manifest: Manifest) -> tuple[list[Line], bool]:
    """What the trail of a database tells that goes on from this backup, and whether that is all since; nothing where it
    does not go on, or cannot be read."""
    wanted = select(log.c.action, log.c.created_at, log.c.utilisateur_id)
    wanted = wanted.where(log.c.action.in_(_TOLD), log.c.utilisateur_id.is_not(None))
    try:
        with database.read() as tx:
            if not manifest.anchors or any(audit.denied(tx.connection, manifest.anchors)):
                return [], False
            rows = tx.execute(wanted).all()
            told = [Line(_TOLD[row.action], row.created_at, row.utilisateur_id) for row in rows]
            return told, not _is_cut(tx, manifest.anchors)
    except (SQLAlchemyError, DatabaseDown, ValueError):  # it may be wrecked in any way
        return [], False


def _is_cut(tx: Transaction, anchors: Sequence[Anchor]) -> bool:
    """Whether lines that came after these are in an archive alone."""
    known = {one.chain: one.numero for one in anchors}
    last = func.max(log_archive.c.dernier).label("last")
    purged = select(log_archive.c.chain, last).where(log_archive.c.purge_a.is_not(None))
    rows = tx.execute(purged.group_by(log_archive.c.chain))
    return any(row.last > known.get(row.chain, 0) for row in rows)


def again(tx: Transaction, lines: Iterable[Line], reason: str) -> Again:
    """Do again what these lines say, each time with its line in the trail."""
    last: dict[tuple[str, int], datetime] = {}
    for line in lines:
        if line.utilisateur is not None:
            about = (line.quoi, line.utilisateur)
            last[about] = max(line.le, last.get(about, line.le))
    there = _there(tx, sorted({number for _, number in last}))
    gone = [row for row in there if row.created_at < last.get((FORGOTTEN, row.id), row.created_at)]
    for row in gone:
        _forget(tx, row.id, last[FORGOTTEN, row.id], reason)
    forgotten = {row.id for row in gone}
    took = [row for row in there if row.id not in forgotten and _took_back(row, last.get((CONSENT, row.id)))]
    for row in took:
        _take_back(tx, row.id, reason)
    return Again(len(gone), len(took))


def _there(tx: Transaction, numbers: Sequence[int]) -> list[Any]:
    return list(tx.execute(select(utilisateur).where(any_of(tx, utilisateur.c.id, numbers))))


def _took_back(row: Any, at: datetime | None) -> bool:
    return bool(at and row.consentement_rgpd and (row.date_consentement or row.created_at) < at)


def _forget(tx: Transaction, number: int, at: datetime, reason: str) -> None:
    held = withdrawals.lock_sessions(tx, number, USABLE)
    people.locked(tx, number)
    withdrawals.give_back(tx, SYSTEM, number, held, "effacement")
    erasing.forget_people(tx, [number])
    facts = {"motif": reason, "efface_le": at.isoformat()}
    purges.certify(tx, "utilisateur", 1, utilisateur_id=number, details=facts)


def _take_back(tx: Transaction, number: int, reason: str) -> None:
    held = withdrawals.lock_sessions(tx, number, [EN_ATTENTE])
    row = people.locked(tx, number)
    changed = consents.taken_back(tx, SYSTEM, row, held)
    utilisateurs.save(tx, row, changed)
    facts = {"champs": sorted(changed), "motif": reason}
    tx.record(Entry("revocation_consentement", utilisateur_id=number, metadata=facts))
