"""The audit trail as it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, func, or_, select

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.tables import log, operateur, poste, site
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.utilisateur import searchable
from fleet.usecases.fleet import Fleet

ERRORS = ("erreur", "refus", "echec_code")
"""What `GET /logs/errors/` shows: faults, and what the rules refused."""


class LogView(Struct, frozen=True, kw_only=True):
    """One line of the audit trail. `site` null: the deployment itself. `utilisateur` is an id, never a name."""

    id: int
    site: str | None
    numero: int
    action: str
    operateur: str | None
    session: int | None
    poste: str | None
    utilisateur: int | None
    details: str
    metadata: dict[str, Any]
    ip_address: str | None
    created_at: datetime
    previous_hash: str
    hash: str


class LogList(Struct, frozen=True):
    """Lines of the audit trail, newest first. `suivant`: the `avant` of the next page, null at the end."""

    limit: int
    offset: int
    suivant: int | None
    resultats: list[LogView]


@dataclass(frozen=True)
class LogFilter:
    """Which lines. None asks for nothing; `before` and `after` are ids: a cursor that new lines do not move."""

    site_id: int | None = None
    actions: Sequence[str] = ()
    session_id: int | None = None
    poste_id: int | None = None
    utilisateur_id: int | None = None
    operateur_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    after: int | None = None
    search: str | None = None


def _seen() -> Select[Any]:
    return (
        select(
            log,
            site.c.slug.label("site_slug"),
            operateur.c.login.label("operateur_login"),
            poste.c.slug.label("poste_slug"),
        )
        .outerjoin(site, log.c.site_id == site.c.id)
        .outerjoin(operateur, log.c.operateur_id == operateur.c.id)
        .outerjoin(poste, log.c.poste_id == poste.c.id)
    )


def search(fleet: Fleet, actor: Actor, which: LogFilter, limit: int = 50, offset: int = 0) -> LogList:
    """A page of the lines that the actor sees, newest first; with `after`, the oldest of the newer ones."""
    with fleet.database.read() as tx:
        order = log.c.id.asc() if which.after is not None else log.c.id.desc()
        statement = _filtered(tx, _seen(), actor, which).order_by(order).limit(limit + 1).offset(offset)
        rows = tx.execute(statement).all()
    shown = sorted(rows[:limit], key=lambda row: -row.id)
    more = shown[-1].id if len(rows) > limit and which.after is None else None
    return LogList(limit, offset, more, [_view(row) for row in shown])


def one(fleet: Fleet, actor: Actor, log_id: int) -> LogView:
    """One line. Raises NotFound."""
    with fleet.database.read() as tx:
        row = tx.execute(_filtered(tx, _seen(), actor, LogFilter()).where(log.c.id == log_id)).first()
    if row is None:
        raise NotFound("log")
    return _view(row)


def _filtered(tx: Transaction, statement: Select[Any], actor: Actor, which: LogFilter) -> Select[Any]:
    statement = statement.where(listing.seen_by(tx, actor, log.c.site_id))
    equal = {
        log.c.site_id: which.site_id,
        log.c.session_id: which.session_id,
        log.c.poste_id: which.poste_id,
        log.c.utilisateur_id: which.utilisateur_id,
        log.c.operateur_id: which.operateur_id,
    }
    bounds = (
        (which.since, log.c.created_at.__ge__),
        (which.until, log.c.created_at.__lt__),
        (which.before, log.c.id.__lt__),
        (which.after, log.c.id.__gt__),
    )
    wanted = [column == value for column, value in equal.items() if value is not None]
    wanted += [bound(value) for value, bound in bounds if value is not None]
    if which.actions:
        wanted.append(log.c.action.in_(which.actions))
    if which.search:
        plain = searchable(which.search)
        wanted.append(
            or_(listing.contains(log.c.action, plain), listing.contains(func.lower(log.c.details), plain))
        )
    return statement.where(*wanted)


def _view(row: Any) -> LogView:
    return LogView(
        id=row.id,
        site=row.site_slug,
        numero=row.numero,
        action=row.action,
        operateur=row.operateur_login,
        session=row.session_id,
        poste=row.poste_slug,
        utilisateur=row.utilisateur_id,
        details=row.details,
        metadata=row.metadata,
        ip_address=(row.personal or {}).get("ip"),
        created_at=row.created_at,
        previous_hash=bytes(row.previous_hash).hex(),
        hash=bytes(row.hash).hex(),
    )
