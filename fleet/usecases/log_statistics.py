"""The audit trail in figures: a period, counted by the database in one statement."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import CTE, Float, Select, Subquery, Text, cast, func, literal, select, union_all

from fleet.database import local_time, log_sums, rollups
from fleet.database.engine import Transaction
from fleet.database.rollups import Period
from fleet.database.tables import operateur
from fleet.domain.actor import SYSTEM, Actor
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
    """The same, within a transaction; `raw`: from the lines themselves, whatever is added up of closed weeks."""
    chains = rollups.places(tx, actor, when, zone, all_of_it=True)
    arms = _own(tx, chains, when, raw=raw)
    if not raw:
        arms += [_weeks(*one) for one in rollups.added_up(rollups.LOGS, chains, when)]
    found: dict[str, Counter[str]] = {}
    for row in tx.execute(union_all(*arms)):
        found.setdefault(row.quoi, Counter())[row.cle] += round(row.nombre or 0)
    counts = {
        name: dict(sorted(found.get(name, Counter()).items()))
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


def week(tx: Transaction, week: Period, zone: str) -> list[dict[str, Any]]:
    """What a week of a site, or of the deployment itself, adds up to, to be kept."""
    one = replace(week, site_id=week.site_id or None)
    chains = rollups.places(tx, SYSTEM, one, zone, all_of_it=True)
    gap = rollups.gaps(rollups.LOGS, chains, one, raw=True)
    if week.site_id == rollups.DEPLOYMENT:
        gap = select(gap).where(gap.c.site_id == rollups.DEPLOYMENT).cte("itself")
    rows = tx.execute(union_all(*_arms(tx, gap)))
    return [
        {"quoi": row.quoi, "cle": row.cle, "nombre": round(row.nombre)} for row in rows if row.quoi != "site"
    ]


def _own(tx: Transaction, chains: CTE, when: Period, *, raw: bool) -> list[Select[Any]]:
    return _arms(tx, rollups.gaps(rollups.LOGS, chains, when, raw=raw))


def _arms(tx: Transaction, gap: CTE) -> list[Select[Any]]:
    def columns(line: Any) -> tuple[Any, ...]:
        login = select(operateur.c.login).where(operateur.c.id == line.operateur_id).scalar_subquery()
        return (
            line.action.label("action"),
            local_time.day(tx, line.created_at, gap.c.zone).label("jour"),
            gap.c.slug.label("site"),
            func.coalesce(login, "").label("operateur"),
            log_sums.reason(line).label("motif"),
            log_sums.times(line).label("fois"),
        )

    lines = log_sums.lines(tx, gap, columns).cte("lines")
    refused = lines.c.action.in_(log_sums.REFUSALS)
    named = ("action", "jour", "site", "operateur")
    return [
        _arm(rollups.WHOLE, literal(""), func.count()).select_from(lines),
        *(_arm(name, lines.c[name], func.count()).group_by(lines.c[name]) for name in named),
        _arm("refus", lines.c.motif, func.count()).where(refused).group_by(lines.c.motif),
        _arm(log_sums.REFUSED, lines.c.motif, func.sum(lines.c.fois)).where(refused).group_by(lines.c.motif),
    ]


def _weeks(name: Any, key: Any, weeks: Subquery) -> Select[Any]:
    return _arm(name, key, func.sum(weeks.c.nombre)).group_by(
        *([key] if isinstance(name, str) else [name, key])
    )


def _arm(name: Any, key: Any, count: Any) -> Select[Any]:
    what = literal(name) if isinstance(name, str) else name
    return select(what.label("quoi"), cast(key, Text).label("cle"), cast(count, Float).label("nombre"))
