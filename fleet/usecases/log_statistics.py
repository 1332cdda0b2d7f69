"""The audit trail in figures: a period, of which the database counts what is not added up already."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    CompoundSelect,
    Float,
    Select,
    String,
    Text,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from fleet.database import local_time, log_sums, rollups, sums
from fleet.database.engine import Transaction
from fleet.database.gaps import DEPLOYMENT, Gap, Gaps, Period, Shape, within
from fleet.database.sums import Sums
from fleet.database.tables import log, operateur, site
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet

DAYS = 7


class LogStats(Struct, frozen=True, kw_only=True):
    """How many lines there are in a period. `refus`: what the rules refused, by reason."""

    depuis: datetime
    jusqu_a: datetime
    total: int
    par_action: dict[str, int]
    par_jour: dict[str, int]
    par_site: dict[str, int]
    par_operateur: dict[str, int]
    refus: dict[str, int]


def logs(fleet: Fleet, actor: Actor, when: Period, zone: str) -> LogStats:
    """Counts of a period. Lines of the deployment itself have the site "" and days of `zone`."""
    with fleet.database.read() as tx:
        return counted(tx, actor, when, zone)


def counted(tx: Transaction, actor: Actor, when: Period, zone: str, *, raw: bool = False) -> LogStats:
    """The same, within a transaction; `raw`: from the lines themselves, whatever is added up of closed days."""
    known = rollups.closed(tx, actor, when, [rollups.LOGS], zone, raw=raw)
    found, gaps = known.total(rollups.LOGS, *_GROUPS), known.gaps[rollups.LOGS]
    for row in tx.execute(_counting(gaps.shapes), {"zone": zone, **gaps.told(rollups.LOGS)}):
        sums.add(found, row.quoi, row.cle, [round(row.nombre)])
    counts = {
        name: {key: count for key, [count] in sorted(found.get(name, {}).items())}
        for name in ("action", "jour", "site", "operateur", "refus")
    }
    return LogStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(counts["action"].values()),
        par_action=counts["action"],
        par_jour=counts["jour"],
        par_site={slug: count for slug, count in counts["site"].items() if count},
        par_operateur=counts["operateur"],
        refus=counts["refus"],
    )


def by_day(tx: Transaction, when: Period, zone: str) -> dict[str, Sums]:
    """What each local day of a site, or of the deployment itself, adds up to, to be kept."""
    gaps = Gaps([Gap(when.since, when.until, (when.site_id or DEPLOYMENT,))])
    found: dict[str, Sums] = {}
    for row in tx.execute(_counting(gaps.shapes, daily=True), {"zone": zone, **gaps.told(rollups.LOGS)}):
        if row.quoi != "site":
            sums.add(found.setdefault(row.dit, {}), row.quoi, row.cle, [round(row.nombre)])
    return found


_GROUPS = ("action", "jour", "operateur", "refus")


@lru_cache(64)
def _counting(gaps: Sequence[Shape], *, daily: bool = False) -> CompoundSelect[Any]:
    """What the lines of the gaps add up to, by all that they are grouped by; `daily`: and by day, which is `dit`."""
    lines = (
        select(
            log.c.action,
            log.c.operateur_id,
            local_time.day(
                log.c.created_at, func.coalesce(site.c.zone, bindparam("zone", type_=String))
            ).label("jour"),
            func.coalesce(site.c.slug, "").label("site"),
            log_sums.reason().label("motif"),
            log_sums.times().label("fois"),
        )
        .outerjoin_from(log, site, log.c.site_id == site.c.id)
        .where(within(rollups.LOGS, gaps, log, "created_at"))
        .cte("lines")
    )
    refused = lines.c.action.in_(log_sums.REFUSALS)
    on = [lines.c.jour] if daily else []
    motif, count, times = lines.c.motif, func.count(), func.sum(lines.c.fois)
    # By number first: each operator is looked up once.
    each = (
        select(lines.c.operateur_id, count.label("nombre"), *on)
        .group_by(lines.c.operateur_id, *on)
        .subquery("each")
    )
    staff = _arm("operateur", func.coalesce(operateur.c.login, ""), each.c.nombre, *(each.c.jour for _ in on))
    return union_all(
        _arm(rollups.WHOLE, literal(""), count, *on).select_from(lines).group_by(*on),
        *(
            _arm(name, lines.c[name], count, *on).group_by(lines.c[name], *on)
            for name in ("action", "jour", "site")
        ),
        staff.outerjoin_from(each, operateur, operateur.c.id == each.c.operateur_id),
        _arm("refus", motif, count, *on).where(refused).group_by(motif, *on),
        _arm(log_sums.REFUSED, motif, times, *on).where(refused).group_by(motif, *on),
    )


def _arm(name: str, key: Any, count: Any, said: Any = None) -> Select[Any]:
    return select(
        literal(name).label("quoi"),
        cast(key, Text).label("cle"),
        cast(count, Float).label("nombre"),
        cast(null() if said is None else said, Text).label("dit"),
    )
