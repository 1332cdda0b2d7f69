"""Looking around once a minute for what nobody would notice: a lost broker, silent postes, a full disk."""

import shutil
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from fleet.database import alerts
from fleet.database.engine import Database, Transaction
from fleet.database.tables import lease, poste, presence, site
from fleet.domain import opening_hours
from fleet.domain.poste import EN_SERVICE
from fleet.jobs.settings import JobSettings
from fleet.usecases import closed_bookings

SILENT = timedelta(minutes=10)
LEAST_FREE = 10
"""Percent of a disk."""


class Health:
    """What one controller sees. A broker is lost when two looks in a row say so: a start looks like it for a moment."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self._unsure: set[str] = set()

    def look(self, database: Database) -> None:
        """Begin and end alerts."""
        with database.transaction() as tx:
            self._brokers(tx)
            _postes(tx)
            self._disks(tx)
            closed_bookings.look_again(tx)

    def _brokers(self, tx: Transaction) -> None:
        known = func.count().filter(presence.c.online.is_not(None))
        wanted = (
            select(site.c.id, site.c.slug, known.label("known"), func.max(lease.c.expires_at).label("until"))
            .join_from(presence, poste)
            .join(site, site.c.id == poste.c.site_id)
            .outerjoin(lease, lease.c.site_id == site.c.id)
            .where(presence.c.boot.is_not(None))
            .group_by(site.c.id, site.c.slug)
        )
        rows = list(tx.execute(wanted))
        lost = {row.slug: row.id for row in rows if not row.known and row.until and row.until > tx.now}
        for slug in lost.keys() & self._unsure:
            alerts.begin(tx, alerts.BROKER, slug, site_id=lost[slug], details={"site": slug})
        for slug in alerts.open_keys(tx, alerts.BROKER) - lost.keys():
            alerts.end(tx, alerts.BROKER, slug)
        self._unsure = set(lost)

    def _disks(self, tx: Transaction) -> None:
        backups = self._settings.backups
        folders = {"sauvegardes": backups.folder if backups else None, "archives": self._settings.archives}
        for name, folder in folders.items():
            if folder is None or not folder.exists():
                continue
            used = shutil.disk_usage(folder)
            free = used.free * 100 // used.total
            if free < LEAST_FREE:
                alerts.begin(tx, alerts.DISK, name, details={"dossier": name, "libre": free})
            else:
                alerts.end(tx, alerts.DISK, name)


def _postes(tx: Transaction) -> None:
    """Those that should be there while their site is open and were there before."""
    wanted = (
        select(poste.c.id, poste.c.slug, poste.c.site_id, presence.c.online, presence.c.since,
               site.c.zone, site.c.horaires, site.c.exceptions)
        .join_from(poste, presence)
        .join(site, site.c.id == poste.c.site_id)
        .where(poste.c.statut_voulu == EN_SERVICE, presence.c.boot.is_not(None), presence.c.online.is_(False))
    )  # fmt: skip
    silent = {row.slug: row for row in tx.execute(wanted) if _is_silent(row, tx.now)}
    for slug, row in silent.items():
        alerts.begin(
            tx,
            alerts.SILENT,
            slug,
            site_id=row.site_id,
            poste_id=row.id,
            details={"depuis": row.since.isoformat()},
        )
    for slug in alerts.open_keys(tx, alerts.SILENT) - silent.keys():
        alerts.end(tx, alerts.SILENT, slug)


def _is_silent(row: Any, now: datetime) -> bool:
    hours = opening_hours.from_json(row.zone, row.horaires, row.exceptions)
    opened = hours.is_open(now) and hours.is_open(now - SILENT)
    return opened and row.since is not None and now - row.since > SILENT
