"""The reports of the day before, one part per site: figures only, so that they may be kept."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import deliveries
from fleet.database.engine import Transaction
from fleet.database.gaps import Period
from fleet.database.tables import report, site
from fleet.domain.actor import SYSTEM
from fleet.domain.delivery import RAPPORT
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings
from fleet.usecases import log_statistics, statistics

SESSIONS, LOGS = "sessions", "logs"


def sessions(run: Run, settings: JobSettings) -> dict[str, Any]:
    """How the postes were used."""
    with run.step() as tx:
        day = _day(run, tx.now, settings.zone)
        parts = {
            slug: statistics.counted(tx, SYSTEM, _of(day, zone, site_id))
            for site_id, slug, zone in _sites(tx)
        }
        return _keep(tx, SESSIONS, day, parts)


def logs(run: Run, settings: JobSettings) -> dict[str, Any]:
    """What was done and refused."""
    with run.step() as tx:
        day = _day(run, tx.now, settings.zone)
        parts = {
            slug: log_statistics.counted(tx, SYSTEM, _of(day, zone, site_id), zone)
            for site_id, slug, zone in _sites(tx)
        }
        return _keep(tx, LOGS, day, parts)


def _sites(tx: Transaction) -> list[tuple[int, str, str]]:
    rows = tx.execute(select(site.c.id, site.c.slug, site.c.zone).order_by(site.c.slug))
    return [(row.id, row.slug, row.zone) for row in rows]


def _day(run: Run, now: datetime, zone: str) -> date:
    """The day before the one that the run is for, though it was made up for later."""
    try:
        due = date.fromisoformat(run.slot)
    except ValueError:
        due = now.astimezone(ZoneInfo(zone)).date()
    return due - timedelta(days=1)


def _of(day: date, zone: str, site_id: int) -> Period:
    """That day where the site is."""
    begin, end = (datetime.combine(day + timedelta(days=more), time(), ZoneInfo(zone)) for more in (0, 1))
    return Period(begin, end, site_id)


def _keep(tx: Transaction, kind: str, day: date, parts: dict[str, Any]) -> dict[str, Any]:
    values = {"contenu": msgspec.to_builtins(parts), "created_at": tx.now}
    made = (pg_insert if tx.is_postgresql else sqlite_insert)(report).values(genre=kind, jour=day, **values)
    tx.execute(made.on_conflict_do_update(index_elements=["genre", "jour"], set_=values))
    deliveries.ask(tx, RAPPORT, report=(kind, day))
    return {"jour": day.isoformat(), "sites": len(parts)}
