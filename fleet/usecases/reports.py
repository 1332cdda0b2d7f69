"""Reports as they are read: each operator sees the parts of the own sites."""

import html
from collections.abc import Mapping
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


_TITLES = {"sessions": "Rapport des sessions", "logs": "Rapport du journal"}
STYLE = (
    "body{font:1rem/1.4 system-ui,sans-serif;margin:2rem;max-width:60rem}table{border-collapse:collapse;margin:.5rem 0}"
    "td,th{border:1px solid #888;padding:.2rem .6rem;text-align:left}section{break-inside:avoid}"
)


def page(seen: Report) -> str:
    """The report to be read and printed, in French; nothing of it comes from elsewhere."""
    title = f"{_TITLES.get(seen.genre, 'Rapport')} du {seen.jour:%d/%m/%Y}"
    parts = (f"<h2>{html.escape(slug)}</h2>{_part(part)}" for slug, part in seen.sites.items())
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{''.join(parts)}</body></html>"
    )


def _part(part: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in part.items() if not isinstance(value, Mapping)}
    tables = {name: value for name, value in part.items() if isinstance(value, Mapping) and value}
    return _table("", plain) + "".join(_table(name, value) for name, value in tables.items())


def _table(title: str, rows: Mapping[str, Any]) -> str:
    lines = (
        f"<tr><th>{_words(name) or '-'}</th><td>{_value(value)}</td></tr>" for name, value in rows.items()
    )
    caption = f"<h3>{_words(title)}</h3>" if title else ""
    return f"<section>{caption}<table>{''.join(lines)}</table></section>"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name)}&#8239;: {_value(one)}" for name, one in value.items())
    return "-" if value is None else html.escape(str(value))


def _words(name: str) -> str:
    return html.escape(name.replace("_", " "))
