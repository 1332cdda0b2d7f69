"""The audit trail in figures: a period, counted by the database in one statement."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Text, cast, func, literal, select, union_all

from fleet.database import listing, local_time
from fleet.database.engine import Transaction
from fleet.database.tables import log, operateur, site
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet
from fleet.usecases.statistics import REFUSALS, Period

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


def counted(tx: Transaction, actor: Actor, when: Period, zone: str) -> LogStats:
    """The same, within a transaction."""
    place = func.coalesce(site.c.zone, literal(zone))
    wanted = (
        select(
            log.c.action.label("action"),
            local_time.day(tx, log.c.created_at, place).label("jour"),
            func.coalesce(site.c.slug, "").label("site"),
            func.coalesce(operateur.c.login, "").label("operateur"),
            func.coalesce(log.c.metadata["motif"].as_string(), log.c.action).label("motif"),
        )
        .outerjoin(site, log.c.site_id == site.c.id)
        .outerjoin(operateur, log.c.operateur_id == operateur.c.id)
        .where(log.c.created_at >= when.since, log.c.created_at < when.until)
        .where(listing.seen_by(tx, actor, log.c.site_id))
    )
    if when.site_id is not None:
        wanted = wanted.where(log.c.site_id == when.site_id)
    lines = wanted.cte("lines")
    refused = _arm("refus", lines.c.motif).where(lines.c.action.in_(REFUSALS))
    arms = [_arm(name, lines.c[name]) for name in ("action", "jour", "site", "operateur")]
    found: dict[str, dict[str, int]] = {}
    for row in tx.execute(union_all(*arms, refused)):
        found.setdefault(row.quoi, {})[row.cle] = row.nombre
    counts = {
        name: dict(sorted(found.get(name, {}).items()))
        for name in ("action", "jour", "site", "operateur", "refus")
    }
    return LogStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(counts["action"].values()),
        par_action=counts["action"],
        par_jour=counts["jour"],
        par_site=counts["site"],
        par_operateur=counts["operateur"],
        refus=counts["refus"],
    )


def _arm(name: str, key: Any) -> Any:
    counted = select(literal(name).label("quoi"), cast(key, Text).label("cle"), func.count().label("nombre"))
    return counted.group_by(key)
