"""Ended weeks, added up by site: figures of a long period read those, and rows only where no closed week is.

A week is a site's own, from Monday to Monday in its zone. It may be open again at any time: then its rows are read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.migrations.closed_weeks import LOCK
from fleet.database.tables import bilan, site
from fleet.database.types import BigId, Instant
from fleet.domain.actor import Actor

SESSIONS, LOGS = "sessions", "logs"
WHOLE = "tout"
DEPLOYMENT = 0
SETTLED = timedelta(days=2)
"""How long after its end a week is closed: a change of the last day does not look for closed weeks."""


@dataclass(frozen=True)
class Period:
    """From when until when, and at which site; all that the actor sees without one."""

    since: datetime
    until: datetime
    site_id: int | None = None


def places(
    tx: Transaction, actor: Actor, when: Period, zone: str | None = None, *, all_of_it: bool = False
) -> CTE:
    """The sites that are counted, with their zones; by `all_of_it` the deployment too, in `zone` if that matters."""
    wanted = select(site.c.id.label("site_id"), site.c.slug, site.c.zone).where(
        listing.seen_by(tx, actor, site.c.id)
    )
    name = "places_and_deployment" if all_of_it else "places"
    if when.site_id is not None:
        return wanted.where(site.c.id == when.site_id).cte(name)
    if all_of_it and actor.sites is None:
        told = literal(zone) if zone else cast(null(), site.c.zone.type)
        return union_all(wanted, select(literal(DEPLOYMENT, BigId), literal(""), told)).cte(name)
    return wanted.cte(name)


def closed(kind: str, places: CTE, when: Period) -> Select[Any]:
    """What is added up of the closed weeks that lie within the period."""
    return (
        select(bilan, places.c.slug)
        .join(places, places.c.site_id == bilan.c.site_id)
        .where(bilan.c.genre == kind, bilan.c.depuis >= when.since, bilan.c.jusqu_a <= when.until)
        .where(or_(places.c.zone.is_(None), bilan.c.zone == places.c.zone))
    )


def gaps(kind: str, places: CTE, when: Period, *, raw: bool = False) -> CTE:
    """Where rows must be read: what of the period is in no closed week, by site; all of it when `raw` is wanted."""
    begins = literal(when.since, Instant)
    edges: Any = select(places, begins.label("depuis"), begins.label("debut"))
    if not raw:
        weeks = closed(kind, places, when).where(text("bilan.quoi = 'tout'"))
        named = (bilan.c.site_id, places.c.slug, places.c.zone, bilan.c.depuis, bilan.c.jusqu_a)
        edges = union_all(edges, weeks.with_only_columns(*named))
    edge = edges.subquery("edge")
    next_week = func.lead(edge.c.depuis, 1, literal(when.until, Instant))
    ends = next_week.over(partition_by=edge.c.site_id, order_by=edge.c.debut).label("fin")
    spans = select(edge.c.site_id, edge.c.slug, edge.c.zone, edge.c.debut, ends).subquery("span")
    return select(spans).where(spans.c.debut < spans.c.fin).cte(f"gaps_{kind}")


def rows_within(
    tx: Transaction, table: Table, column: str, gap: CTE, *, itself: bool = False
) -> tuple[FromClause, FromClause]:
    """The rows of a table whose `column` is in a gap of their site, and those joined to it; `itself`: of no site.

    PostgreSQL goes to the index of each gap: it cannot know how short the gaps are, and would read the whole table.
    """
    here = (
        and_(table.c.site_id.is_(None), gap.c.site_id == DEPLOYMENT)
        if itself
        else table.c.site_id == gap.c.site_id
    )
    within = (here, table.c[column] >= gap.c.debut, table.c[column] < gap.c.fin)
    if not tx.is_postgresql:
        return table, gap.join(table, and_(*within))
    fenced = select(table).where(*within).offset(0).lateral()
    return fenced, gap.join(fenced, true())


def added_up(
    kind: str, places: CTE, when: Period, only: Sequence[str] = ()
) -> Iterable[tuple[Any, Any, Subquery]]:
    """What to group closed weeks by: the word, the key, and where they are from. A site's are its whole weeks."""
    weeks = closed(kind, places, when)
    if only:
        part = weeks.where(bilan.c.quoi.in_(only)).subquery(f"weeks_{kind}")
        return [(part.c.quoi, part.c.cle, part)]
    part = weeks.subquery(f"weeks_{kind}")
    whole = weeks.where(text("bilan.quoi = 'tout'")).subquery(f"whole_{kind}")
    return [(part.c.quoi, part.c.cle, part), ("site", whole.c.slug, whole)]


def lock(tx: Transaction, site_id: int) -> None:
    """Hold back late changes of a site's sessions, and wait for those that are under way."""
    if tx.is_postgresql:
        tx.execute(select(func.pg_advisory_xact_lock(LOCK, site_id)))


def keep(tx: Transaction, kind: str, week: Period, zone: str, rows: Iterable[dict[str, Any]]) -> None:
    """Close a week with these sums."""
    same = {"genre": kind, "site_id": week.site_id, "depuis": week.since, "jusqu_a": week.until, "zone": zone}
    tx.execute(insert(bilan), [same | row for row in rows])


def open_weeks(tx: Transaction, kind: str, site_id: int, zone: str, first: datetime | None) -> list[Period]:
    """The ended weeks since the `first` instant that are not closed. Weeks of another zone are no weeks any more."""
    mine = (bilan.c.genre == kind, bilan.c.site_id == site_id)
    tx.execute(delete(bilan).where(*mine, bilan.c.zone != zone))
    known = set(tx.execute(select(bilan.c.depuis).where(*mine, text("bilan.quoi = 'tout'"))).scalars())
    if first is None:
        return []
    day = first.astimezone(ZoneInfo(zone)).date()
    monday, found = day - timedelta(days=day.weekday()), []
    while (end := _midnight(monday + timedelta(days=7), zone)) <= tx.now - SETTLED:
        begin, monday = _midnight(monday, zone), monday + timedelta(days=7)
        if begin not in known:
            found.append(Period(begin, end, site_id))
    return found


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def forget(tx: Transaction, kind: str, site_id: int, since: datetime, until: datetime) -> None:
    """Open the weeks that have any of this again."""
    overlaps = (bilan.c.depuis <= until, bilan.c.jusqu_a > since)
    tx.execute(delete(bilan).where(bilan.c.genre == kind, bilan.c.site_id == site_id, *overlaps))
