"""Ended days, added up by site: figures of a long period read those, and rows only where no closed day is.

A day is a site's own, from midnight to midnight in its zone. Days that are all closed are added up again, to weeks and
longer SPANS, so that a year is a few rows of each site. Any of them may be open again at any time: then what it is made
of is read, rows in the end.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from fleet.database import sums
from fleet.database.engine import Transaction
from fleet.database.gaps import DEPLOYMENT, Gap, Gaps, Period, Places, told
from fleet.database.migrations.closed_days import LOCK
from fleet.database.sums import Packed, Sums
from fleet.database.tables import bilan, site
from fleet.database.types import BigId, Instant
from fleet.domain.actor import Actor

SESSIONS, LOGS, WEEK = "sessions", "logs", "semaine"
WHOLE = "tout"
SETTLED = timedelta(days=2)
"""How long after its end a day is closed: a change of the last day does not look for closed ones."""
SPANS = (1, 7, 28, 112)
"""So many days, counted from a Monday, are added up together. Each is some of the one before."""


@dataclass(frozen=True)
class Closed:
    """What is closed of a period: rows with a `genre`, the site's slug and its `sommes`; and, by kind, what is not.

    The gaps are told to the database as they are: it cannot know else how short they are, and would expect much.
    """

    rows: Sequence[Any]
    gaps: Mapping[str, Gaps]

    def total(self, kind: str, *names: str) -> Sums:
        """What the closed days of a kind add up to, by these and by site."""
        read = sums.reader(WHOLE, *names)
        kept = [(row.slug, read(row.sommes)) for row in self.rows if row.genre == kind]
        found: Sums = {name: {} for name in (*names, "site")} | sums.total(one for _, one in kept)
        for slug, one in kept:
            _, whole = one[WHOLE]
            if whole:
                sums.add(found, "site", slug, whole)
        return found


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
    places = Places.of(actor, when.site_id)
    wanted = _sites(places) if raw else _walk(places, tuple(kinds))
    rows = tx.execute(wanted, {**told(actor, when), "zone": zone}).all()
    found = sorted((row for row in rows if row.sommes is not None), key=lambda row: row.depuis)
    sites = {row.site_id: None for row in rows}
    return Closed(found, {kind: _gaps(found, kind, when, sites) for kind in kinds})


@cache
def _walk(places: Places, kinds: tuple[str, ...]) -> Select[Any]:
    """From each span to the next that begins where it ends or later, of those the longest; first, where each begins."""
    mine = _places(places)
    genres = union_all(
        *(select(cast(literal(kind), bilan.c.genre.type).label("genre")) for kind in kinds)
    ).cte("genres")
    first = (
        select(
            genres.c.genre,
            mine.c.site_id,
            mine.c.slug,
            mine.c.zone,
            cast(null(), Instant).label("depuis"),
            bindparam("since", type_=Instant).label("jusqu_a"),
            cast(null(), bilan.c.sommes.type).label("sommes"),
        )
        .join_from(genres, mine, or_(genres.c.genre == LOGS, mine.c.site_id != DEPLOYMENT))
        .cte("walk", recursive=True)
    )
    later = bilan.alias("later")
    following = (
        select(later.c.id)
        .where(later.c.genre == first.c.genre, later.c.site_id == first.c.site_id)
        .where(later.c.depuis >= first.c.jusqu_a, later.c.depuis < bindparam("until"))
        .where(later.c.jusqu_a <= bindparam("until"))
        .where(or_(first.c.zone.is_(None), later.c.zone == first.c.zone))
        .order_by(later.c.depuis, later.c.jusqu_a.desc())
        .limit(1)
        .correlate(first)
        .scalar_subquery()
    )
    same = (first.c[name] for name in ("genre", "site_id", "slug", "zone"))
    step = select(*same, bilan.c.depuis, bilan.c.jusqu_a, bilan.c.sommes)
    walk = first.union_all(step.join_from(first, bilan, bilan.c.id == following))
    return select(walk.c.genre, walk.c.site_id, walk.c.slug, walk.c.depuis, walk.c.jusqu_a, walk.c.sommes)


@cache
def _sites(places: Places) -> Select[Any]:
    mine = _places(places)
    return select(mine.c.site_id, cast(null(), bilan.c.sommes.type).label("sommes"))


def _places(places: Places) -> CTE:
    """The sites that are counted with their zones, and the deployment, which has none unless that is given."""
    wanted = select(site.c.id.label("site_id"), site.c.slug, site.c.zone).where(places.hold(site.c.id))
    if places.some or places.one:
        return wanted.cte("places")
    zone = cast(bindparam("zone", type_=String), site.c.zone.type)
    return union_all(wanted, select(literal(DEPLOYMENT, BigId), literal(""), zone)).cte("places")


def _gaps(found: Sequence[Any], kind: str, when: Period, sites: Iterable[int]) -> Gaps:
    """Sites that have the same gap are asked together."""
    ends = {one: when.since for one in sites if kind == LOGS or one != DEPLOYMENT}
    gaps: dict[tuple[datetime, datetime], list[int]] = {}
    last = [(one, when.until, when.until) for one in ends]
    mine = ((row.site_id, row.depuis, row.jusqu_a) for row in found if row.genre == kind)
    for site_id, since, until in (*mine, *last):
        if ends[site_id] < since:
            gaps.setdefault((ends[site_id], since), []).append(site_id)
        ends[site_id] = until
    return Gaps(Gap(since, until, tuple(of)) for (since, until), of in sorted(gaps.items()))


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


def keep(tx: Transaction, kind: str, zone: str, closing: Iterable[tuple[Period, Sums]]) -> None:
    """Close these."""
    rows = [
        {
            "genre": kind,
            "site_id": when.site_id,
            "zone": zone,
            "depuis": when.since,
            "jusqu_a": when.until,
            "sommes": sums.pack(one),
        }
        for when, one in closing
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
            kept = _read(tx, kind, [part for _, parts in made for part in parts])
            sum_of = {whole: [kept[part.since, part.until] for part in parts] for whole, parts in made}
            keep(tx, kind, zone, ((whole, sums.total(parts)) for whole, parts in sum_of.items()))


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


def _read(tx: Transaction, kind: str, parts: Sequence[Period]) -> dict[tuple[datetime, datetime], Packed]:
    within_all = (bilan.c.depuis >= parts[0].since, bilan.c.jusqu_a <= parts[-1].until)
    mine = _mine(kind, parts[0].site_id or DEPLOYMENT)
    wanted = {(part.since, part.until) for part in parts}
    rows = tx.execute(select(bilan.c.depuis, bilan.c.jusqu_a, bilan.c.sommes).where(*mine, *within_all))
    read = sums.reader()
    return {(row[0], row[1]): read(row[2]) for row in rows if (row[0], row[1]) in wanted}


def forget(tx: Transaction, kind: str, site_id: int, since: datetime, until: datetime) -> None:
    """Open all that has any of this again."""
    overlaps = (bilan.c.depuis <= until, bilan.c.jusqu_a > since)
    tx.execute(delete(bilan).where(*_mine(kind, site_id), *overlaps))
