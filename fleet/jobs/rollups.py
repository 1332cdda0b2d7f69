"""Ended weeks are closed: what they add up to is kept, so that figures of a year need not count a year's rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, text, update

from fleet.database import rollups
from fleet.database.engine import Transaction
from fleet.database.rollups import DEPLOYMENT, LOGS, SESSIONS, Period
from fleet.database.tables import log, session, site, utilisateur
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings
from fleet.usecases import log_statistics, statistics

AT_ONCE = 10


def close(run: Run, settings: JobSettings) -> dict[str, Any]:
    """Close all ended weeks that are open and can be closed. Gives how many, of sessions and of the trail."""
    with run.step() as tx:
        sites = [(row.id, row.zone) for row in tx.execute(select(site.c.id, site.c.zone).order_by(site.c.id))]
    of_sessions = sum(_close_all(run, SESSIONS, site_id, zone) for site_id, zone in sites)
    chains = [(DEPLOYMENT, settings.zone), *sites]
    return {"sessions": of_sessions, "logs": sum(_close_all(run, LOGS, *chain) for chain in chains)}


def _close_all(run: Run, kind: str, site_id: int, zone: str) -> int:
    """In small transactions: a late change waits for one of them at most."""
    if kind == SESSIONS:
        with run.step() as tx:
            _settle_categories(tx, site_id)
    with run.step() as tx:
        weeks = rollups.open_weeks(tx, kind, site_id, zone, _first(tx, kind, site_id))
    done = 0
    for begin in range(0, len(weeks), AT_ONCE):
        with run.step() as tx:
            rollups.lock(tx, site_id)
            done += sum(_close(tx, kind, week, zone) for week in weeks[begin : begin + AT_ONCE])
    return done


def _first(tx: Transaction, kind: str, site_id: int) -> datetime | None:
    table = session if kind == SESSIONS else log
    mine = table.c.site_id.is_(None) if site_id == DEPLOYMENT else table.c.site_id == site_id
    first: datetime | None = tx.execute(select(func.min(table.c.created_at)).where(mine)).scalar_one()
    return first


def _close(tx: Transaction, kind: str, week: Period, zone: str) -> bool:
    if kind == SESSIONS and _goes_on(tx, week):
        return False
    rows = statistics.week(tx, week) if kind == SESSIONS else log_statistics.week(tx, week, zone)
    rollups.keep(tx, kind, week, zone, rows)
    return True


def _of(week: Period, column: Any) -> Any:
    return and_(column >= week.since, column < week.until)


def _goes_on(tx: Transaction, week: Period) -> bool:
    """Whether a session of the week is not over: what it used is not known yet."""
    # In the words of the partial indexes of open sessions.
    still = text("session.statut IN ('en_attente', 'active', 'suspendue')")
    of_it = or_(_of(week, session.c.created_at), _of(week, session.c.debut_session))
    found = exists().where(session.c.site_id == week.site_id, still, of_it)
    return bool(tx.execute(select(found)).scalar_one())


def _settle_categories(tx: Transaction, site_id: int) -> None:
    """A session counts for the categorie that its person has now, whatever that becomes."""
    theirs = select(utilisateur.c.categorie).where(utilisateur.c.id == session.c.utilisateur_id)
    settled = func.coalesce(theirs.correlate(session).scalar_subquery(), "")
    when = func.coalesce(session.c.debut_session, session.c.created_at)
    old = (session.c.site_id == site_id, when < tx.now - rollups.SETTLED)
    tx.execute(update(session).where(*old, session.c.categorie.is_(None)).values(categorie=settled))
