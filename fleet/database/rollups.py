"""Ended days, added up by site: figures of a long period read those, and rows only where no closed day is.

A day is a site's own, from midnight to midnight in its zone. Days that are all closed are added up again, to weeks and
longer SPANS, so that a year is a few rows of each site. Any of them may be open again at any time: then what it is made
of is read, rows in the end.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from operator import add as add_two
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import (
    CTE,
    ColumnElement,
    Subquery,
    Table,
    and_,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.migrations.closed_days import LOCK
from fleet.database.tables import bilan, site
from fleet.database.types import BigId
from fleet.domain.actor import Actor

SESSIONS, LOGS, WEEK = "sessions", "logs", "semaine"
WHOLE = "tout"
DEPLOYMENT = 0
SETTLED = timedelta(days=2)
"""How long after its end a day is closed: a change of the last day does not look for closed ones."""
SPANS = (1, 7, 28, 112)
"""So many days, counted from a Monday, are added up together. Each is some of the one before."""

Sums = dict[str, dict[str, list[Any]]]
"""What something adds up to: by what it is grouped by, by its key, the amounts."""


@dataclass(frozen=True)
class Period:
    """From when until when, and at which site; all that the actor sees without one."""

    since: datetime
    until: datetime
    site_id: int | None = None


def add(total: Sums, more: Mapping[str, Mapping[str, list[Any]]]) -> None:
    """Add amounts to others."""
    for name, keyed in more.items():
        mine = total.setdefault(name, {})
        for key, amounts in keyed.items():
            known = mine.get(key)
            mine[key] = amounts if known is None else list(map(add_two, known, amounts))


def read(kept: str) -> Sums:
    """The sums of a row."""
    return msgspec.json.decode(kept, type=Sums)


@dataclass(frozen=True)
class Gap:
    """A time of which the rows of some sites must be read."""

    since: datetime
    until: datetime
    site_ids: tuple[int, ...]

    def holds(self, table: Table, column: str) -> ColumnElement[bool]:
        """Whether a row is of it. What is of no site is of the deployment."""
        mine: ColumnElement[bool] = table.c.site_id.in_([one for one in self.site_ids if one != DEPLOYMENT])
        if DEPLOYMENT in self.site_ids:
            mine = or_(mine, table.c.site_id.is_(None))
        return and_(mine, table.c[column] >= self.since, table.c[column] < self.until)


def of_gaps(gaps: Iterable[Gap], table: Table, column: str) -> ColumnElement[bool]:
    """Whether a row is of one of them."""
    return or_(false(), *(gap.holds(table, column) for gap in gaps))


@dataclass(frozen=True)
class Closed:
    """What is closed of a period: rows with a `genre`, the site's slug and its `sommes`; and, by kind, what is not.

    The gaps are told to the database as they are: it cannot know else how short they are, and would expect much.
    """

    rows: Sequence[Any]
    gaps: Mapping[str, Sequence[Gap]]


def closed(
    tx: Transaction,
    actor: Actor,
    when: Period,
    kinds: Sequence[str],
    zone: str | None = None,
    *,
    raw: bool = False,
) -> Closed:
    """The longest closed spans that lie within the period, at the sites that the actor sees.

    `zone` is the deployment's, if that matters; with `raw` nothing is closed.
    """
    places = _places(tx, actor, when, zone)
    inside = _inside(places, when, () if raw else kinds)
    same = and_(
        *(bilan.c[name] == inside.c[name] for name in ("genre", "site_id", "depuis", "jusqu_a", "zone"))
    )
    outside_others = or_(inside.c.before.is_(None), inside.c.jusqu_a > inside.c.before)
    known = select(
        bilan.c.genre, bilan.c.site_id, inside.c.slug, bilan.c.depuis, bilan.c.jusqu_a, bilan.c.sommes
    )
    none = (cast(null(), column.type) for column in (bilan.c.depuis, bilan.c.jusqu_a, bilan.c.sommes))
    seen = select(literal(""), places.c.site_id, places.c.slug, *none)
    rows = tx.execute(union_all(known.join(inside, same).where(outside_others), seen)).all()
    found = sorted((row for row in rows if row.genre), key=lambda row: row.depuis)
    sites = [row.site_id for row in rows if not row.genre]
    return Closed(found, {kind: _gaps(found, kind, when, sites) for kind in kinds})


def _places(tx: Transaction, actor: Actor, when: Period, zone: str | None) -> CTE:
    """The sites that are counted with their zones, and the deployment, which has none unless that is given."""
    wanted = select(site.c.id.label("site_id"), site.c.slug, site.c.zone).where(
        listing.seen_by(tx, actor, site.c.id)
    )
    if when.site_id is not None:
        return wanted.where(site.c.id == when.site_id).cte("places")
    if actor.sites is not None:
        return wanted.cte("places")
    told = literal(zone) if zone else cast(null(), site.c.zone.type)
    return union_all(wanted, select(literal(DEPLOYMENT, BigId), literal(""), told)).cte("places")


def _inside(places: CTE, when: Period, kinds: Sequence[str]) -> Subquery:
    """Every closed span within the period, with the latest end of those that begin before it or are longer."""
    before = func.max(bilan.c.jusqu_a).over(
        partition_by=(bilan.c.genre, bilan.c.site_id),
        order_by=(bilan.c.depuis, bilan.c.jusqu_a.desc()),
        rows=(None, -1),
    )
    key = (bilan.c[name] for name in ("genre", "site_id", "depuis", "jusqu_a", "zone"))
    return (
        select(*key, places.c.slug, before.label("before"))
        .join(places, places.c.site_id == bilan.c.site_id)
        .where(bilan.c.genre.in_(kinds), bilan.c.depuis >= when.since, bilan.c.depuis < when.until)
        .where(bilan.c.jusqu_a <= when.until, or_(places.c.zone.is_(None), bilan.c.zone == places.c.zone))
        .subquery("inside")
    )


def _gaps(found: Sequence[Any], kind: str, when: Period, sites: Sequence[int]) -> list[Gap]:
    """Sites that have the same gap are asked together."""
    ends = dict.fromkeys(sites, when.since)
    gaps: dict[tuple[datetime, datetime], list[int]] = {}
    last = [(one, when.until, when.until) for one in sites]
    mine = ((row.site_id, row.depuis, row.jusqu_a) for row in found if row.genre == kind)
    for site_id, since, until in (*mine, *last):
        if ends[site_id] < since:
            gaps.setdefault((ends[site_id], since), []).append(site_id)
        ends[site_id] = until
    return [Gap(since, until, tuple(of)) for (since, until), of in sorted(gaps.items())]


def lock(tx: Transaction, site_id: int) -> None:
    """Hold back late changes of a site's sessions, and wait for those that are under way."""
    if tx.is_postgresql:
        tx.execute(select(func.pg_advisory_xact_lock(LOCK, site_id)))


def day_of(instant: datetime, zone: str) -> date:
    """The local day of an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def of_days(first: date, last: date, site_id: int, zone: str) -> Period:
    """From the midnight before the first day to that after the last."""
    return Period(_midnight(first, zone), _midnight(last + timedelta(days=1), zone), site_id)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def keep(tx: Transaction, kind: str, zone: str, sums: Iterable[tuple[Period, Sums]]) -> None:
    """Close these."""
    rows = [
        {
            "genre": kind,
            "site_id": when.site_id,
            "zone": zone,
            "depuis": when.since,
            "jusqu_a": when.until,
            "sommes": msgspec.json.encode(one).decode(),
        }
        for when, one in sums
    ]
    if rows:
        tx.execute(insert(bilan), rows)


def open_days(
    tx: Transaction, kind: str, site_id: int, zone: str, first: datetime | None
) -> Iterator[list[date]]:
    """The ended days since the `first` instant that are not closed, in runs. Days of another zone are none any more."""
    tx.execute(delete(bilan).where(*_mine(kind, site_id), bilan.c.zone != zone))
    if first is not None:
        begin, end = day_of(first, zone), day_of(tx.now - SETTLED, zone)
        every = (begin + timedelta(days=number) for number in range((end - begin).days))
        known = set(_kept_days(tx, kind, site_id, zone))
        yield from _runs([day for day in every if day not in known])


def _mine(kind: str, site_id: int) -> tuple[Any, Any]:
    return bilan.c.genre == kind, bilan.c.site_id == site_id


def _kept(tx: Transaction, kind: str, site_id: int) -> set[tuple[datetime, datetime]]:
    rows = tx.execute(select(bilan.c.depuis, bilan.c.jusqu_a).where(*_mine(kind, site_id)))
    return {(row.depuis, row.jusqu_a) for row in rows}


def _kept_days(tx: Transaction, kind: str, site_id: int, zone: str) -> Iterator[date]:
    for since, until in _kept(tx, kind, site_id):
        if until - since < 2 * timedelta(
            days=SPANS[0]
        ):  # the days on which clocks are turned are longer or shorter
            yield day_of(since, zone)


AT_ONCE = 100
"""So many days are closed in one transaction: a late change waits for that at most."""


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    run = list(days[:1])
    for before, day in pairwise(days):
        if day - before > timedelta(days=1) or len(run) == AT_ONCE:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def fold(tx: Transaction, kind: str, site_id: int, zone: str) -> None:
    """Add days up to weeks, and those to longer spans, where all that they are made of is closed."""
    for short, long in pairwise(SPANS):
        known = _kept(tx, kind, site_id)
        made = [
            (whole, parts)
            for whole, parts in _spans(known, short, long, site_id, zone)
            if (whole.since, whole.until) not in known
            and all((part.since, part.until) in known for part in parts)
        ]
        if made:
            sums = _sums(tx, kind, [part for _, parts in made for part in parts])
            keep(tx, kind, zone, ((whole, _total(sums, parts)) for whole, parts in made))


def _spans(
    known: Collection[tuple[datetime, datetime]], short: int, long: int, site_id: int, zone: str
) -> Iterator[tuple[Period, list[Period]]]:
    """The long spans that begin with something known, each with the short ones that it is made of."""
    begins = {day_of(since, zone) for since, _ in known}
    for day in sorted(day for day in begins if (day.toordinal() - 1) % long == 0):
        starts = [day + timedelta(days=number) for number in range(0, long + 1, short)]
        parts = [
            of_days(one, following - timedelta(days=1), site_id, zone) for one, following in pairwise(starts)
        ]
        yield Period(parts[0].since, parts[-1].until, site_id), parts


def _sums(tx: Transaction, kind: str, parts: Sequence[Period]) -> dict[tuple[datetime, datetime], Sums]:
    within = (bilan.c.depuis >= parts[0].since, bilan.c.jusqu_a <= parts[-1].until)
    mine = _mine(kind, parts[0].site_id or DEPLOYMENT)
    wanted = {(part.since, part.until) for part in parts}
    rows = tx.execute(select(bilan.c.depuis, bilan.c.jusqu_a, bilan.c.sommes).where(*mine, *within))
    return {(row[0], row[1]): read(row[2]) for row in rows if (row[0], row[1]) in wanted}


def _total(sums: Mapping[tuple[datetime, datetime], Sums], parts: Iterable[Period]) -> Sums:
    total: Sums = {}
    for part in parts:
        add(total, sums[part.since, part.until])
    return total


def forget(tx: Transaction, kind: str, site_id: int, since: datetime, until: datetime) -> None:
    """Open all that has any of this again."""
    overlaps = (bilan.c.depuis <= until, bilan.c.jusqu_a > since)
    tx.execute(delete(bilan).where(*_mine(kind, site_id), *overlaps))
