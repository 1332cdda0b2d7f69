"""Ended days are closed: what they add up to is kept, so that figures of a year need not count a year's rows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text, update

from fleet.database import rollups
from fleet.database.engine import Transaction
from fleet.database.gaps import DEPLOYMENT, Period
from fleet.database.rollups import LOGS, SESSIONS, WEEK
from fleet.database.sums import Sums
from fleet.database.tables import log, session, site, utilisateur
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings
from fleet.usecases import log_statistics, occupancy, statistics


def close(run: Run, settings: JobSettings) -> dict[str, Any]:
    """Close all ended days that are open and can be closed. Gives how many, of sessions and of the trail."""
    with run.step() as tx:
        sites = [(row.id, row.zone) for row in tx.execute(select(site.c.id, site.c.zone).order_by(site.c.id))]
    of_sessions = sum(_close_all(run, SESSIONS, site_id, zone) for site_id, zone in sites)
    for site_id, zone in sites:
        _close_all(run, WEEK, site_id, zone)
    chains = [(DEPLOYMENT, settings.zone), *sites]
    return {"sessions": of_sessions, "logs": sum(_close_all(run, LOGS, *chain) for chain in chains)}


def _close_all(run: Run, kind: str, site_id: int, zone: str) -> int:
    """In small transactions: a late change waits for one of them at most."""
    if kind == SESSIONS:
        with run.step() as tx:
            _settle_categories(tx, site_id)
    with run.step() as tx:
        runs = list(rollups.open_days(tx, kind, site_id, zone, _first(tx, kind, site_id)))
    done = 0
    for days in runs:
        with run.step() as tx:
            rollups.lock(tx, site_id)
            done += _close(tx, kind, days, site_id, zone)
    with run.step() as tx:
        rollups.lock(tx, site_id)
        rollups.fold(tx, kind, site_id, zone)
    return done


def _first(tx: Transaction, kind: str, site_id: int) -> datetime | None:
    table = log if kind == LOGS else session
    mine = table.c.site_id.is_(None) if site_id == DEPLOYMENT else table.c.site_id == site_id
    first: datetime | None = tx.execute(select(func.min(table.c.created_at)).where(mine)).scalar_one()
    return first


def _close(tx: Transaction, kind: str, days: Sequence[date], site_id: int, zone: str) -> int:
    when = rollups.of_days(days[0], days[-1], site_id, zone)
    busy = () if kind == LOGS else _not_over(tx, site_id, zone)
    found = _added_up(tx, kind, when, zone)
    over = [day for day in days if day not in busy]
    sums = ((rollups.of_days(day, day, site_id, zone), found.get(day.isoformat(), {})) for day in over)
    rollups.keep(tx, kind, zone, sums)
    return len(over)


def _added_up(tx: Transaction, kind: str, when: Period, zone: str) -> Mapping[str, Sums]:
    if kind == LOGS:
        return log_statistics.by_day(tx, when, zone)
    return occupancy.by_day(tx, when) if kind == WEEK else statistics.by_day(tx, when)


def _not_over(tx: Transaction, site_id: int, zone: str) -> Collection[date]:
    """The days of sessions that are not over: what those used is not known yet."""
    # In the words of the partial indexes of open sessions.
    still = text("session.statut IN ('en_attente', 'active', 'suspendue')")
    mine = select(session.c.created_at, session.c.debut_session).where(session.c.site_id == site_id, still)
    return {rollups.day_of(one, zone) for row in tx.execute(mine) for one in row if one is not None}


def _settle_categories(tx: Transaction, site_id: int) -> None:
    """A session counts for the categorie that its person has now, whatever that becomes."""
    theirs = select(utilisateur.c.categorie).where(utilisateur.c.id == session.c.utilisateur_id)
    settled = func.coalesce(theirs.correlate(session).scalar_subquery(), "")
    when = func.coalesce(session.c.debut_session, session.c.created_at)
    old = (session.c.site_id == site_id, when < tx.now - rollups.SETTLED)
    tx.execute(update(session).where(*old, session.c.categorie.is_(None)).values(categorie=settled))
