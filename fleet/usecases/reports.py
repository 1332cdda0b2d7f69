"""Reports as they are read: each operator sees the parts of the own sites."""

from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.tables import report, site
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet

LISTED = 100


class ReportLine(Struct, frozen=True):
    """A report that there is."""

    genre: str
    jour: date
    created_at: datetime


class ReportList(Struct, frozen=True):
    """The latest reports."""

    resultats: list[ReportLine]


class Report(Struct, frozen=True):
    """The figures of a day, by site."""

    genre: str
    jour: date
    created_at: datetime
    sites: dict[str, dict[str, Any]]


def latest(fleet: Fleet, _actor: Actor, kind: str | None = None) -> ReportList:
    """The newest ones."""
    wanted = select(report.c.genre, report.c.jour, report.c.created_at)
    wanted = wanted if kind is None else wanted.where(report.c.genre == kind)
    with fleet.database.read() as tx:
        rows = tx.execute(wanted.order_by(report.c.jour.desc(), report.c.genre).limit(LISTED)).all()
    return ReportList([ReportLine(*row) for row in rows])


def one(fleet: Fleet, actor: Actor, kind: str, day: date) -> Report:
    """One report. Raises NotFound."""
    with fleet.database.read() as tx:
        return seen(tx, actor, kind, day)


def seen(tx: Transaction, actor: Actor, kind: str, day: date) -> Report:
    """The same, within a look. Raises NotFound."""
    row = tx.execute(select(report).where(report.c.genre == kind, report.c.jour == day)).first()
    mine = set(tx.execute(select(site.c.slug).where(listing.seen_by(tx, actor, site.c.id))).scalars())
    if row is None:
        raise NotFound("rapport")
    return Report(
        kind, day, row.created_at, {slug: part for slug, part in row.contenu.items() if slug in mine}
    )
