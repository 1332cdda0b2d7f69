"""The audit trail in figures: a period, of which the database counts what is not added up already."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Float, Select, Text, cast, func, literal, null, select, union_all

from fleet.database import local_time, log_sums, rollups
from fleet.database.engine import Transaction
from fleet.database.rollups import Gap, Period, Sums
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
    own = tx.execute(union_all(*_own(tx, known.gaps[rollups.LOGS], zone)))
    found = _add_up(known.rows, own)
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


def _add_up(closed: Iterable[Any], rows: Iterable[Any]) -> Sums:
    """Closed days and lines, together."""
    by: Sums = {}
    for row in closed:
        sums = rollups.read(row.sommes)
        rollups.add(by, sums)
        if whole := sums.get(rollups.WHOLE):
            rollups.add(by, {"site": {row.slug: whole[""]}})
    for row in rows:
        rollups.add(by, {row.quoi: {row.cle: [round(row.nombre or 0)]}})
    return by


def by_day(tx: Transaction, when: Period, zone: str) -> dict[str, Sums]:
    """What each local day of a site, or of the deployment itself, adds up to, to be kept."""
    gap = rollups.Gap(when.since, when.until, (when.site_id or rollups.DEPLOYMENT,))
    found: dict[str, Sums] = {}
    for row in tx.execute(union_all(*_own(tx, [gap], zone, daily=True))):
        if row.quoi != "site" and row.dit is not None:  # the one count of what has no lines is of no day
            found.setdefault(row.dit, {}).setdefault(row.quoi, {})[row.cle] = [round(row.nombre)]
    return found


def _own(tx: Transaction, gaps: Iterable[Gap], zone: str, *, daily: bool = False) -> list[Select[Any]]:
    """What the lines of the gaps add up to, by all that they are grouped by; `daily`: and by day, which is `dit`."""
    login = select(operateur.c.login).where(operateur.c.id == log.c.operateur_id).scalar_subquery()
    lines = (
        select(
            log.c.action,
            local_time.day(tx, log.c.created_at, func.coalesce(site.c.zone, zone)).label("jour"),
            func.coalesce(site.c.slug, "").label("site"),
            func.coalesce(login, "").label("operateur"),
            log_sums.reason().label("motif"),
            log_sums.times().label("fois"),
        )
        .outerjoin_from(log, site, log.c.site_id == site.c.id)
        .where(rollups.of_gaps(gaps, log, "created_at"))
        .cte("lines")
    )
    refused = lines.c.action.in_(log_sums.REFUSALS)
    on = [lines.c.jour] if daily else []
    named = ("action", "jour", "site", "operateur")
    motif, times = lines.c.motif, func.sum(lines.c.fois)
    return [
        _arm(rollups.WHOLE, literal(""), func.count(), *on).select_from(lines).group_by(*on),
        *(_arm(name, lines.c[name], func.count(), *on).group_by(lines.c[name], *on) for name in named),
        _arm("refus", motif, func.count(), *on).where(refused).group_by(motif, *on),
        _arm(log_sums.REFUSED, motif, times, *on).where(refused).group_by(motif, *on),
    ]


def _arm(name: str, key: Any, count: Any, said: Any = None) -> Select[Any]:
    return select(
        literal(name).label("quoi"),
        cast(key, Text).label("cle"),
        cast(count, Float).label("nombre"),
        cast(null() if said is None else said, Text).label("dit"),
    )
