"""The audit trail as it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, or_, select, text, true, tuple_, union

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.tables import log, operateur, poste, site
from fleet.database.types import BigId, Instant
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.utilisateur import searchable
from fleet.usecases.fleet import Fleet

ERRORS = ("erreur", "refus", "echec_code")
"""What `GET /logs/errors/` shows: faults, and what the rules refused."""
FARTHEST = 10_000
"""How many lines a page may skip; the cursor goes as far as there are lines."""
_BEGINNING = literal(datetime(1, 1, 1, tzinfo=UTC), Instant)


class LogView(Struct, frozen=True, kw_only=True):
    """One line of the audit trail. `site` null: the deployment itself. `utilisateur` is an id, never a name.

    `motif_texte`: the sentence of the `motif` in its metadata, if it has one.
    """

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
    motif_texte: str | None
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
        lines = _filtered(tx, select(log.c.id, log.c.created_at), actor, which)
        order = _oldest if which.after is not None else _newest
        if which.search:
            ids = _searched(tx, lines, searchable(which.search), order, offset + limit + 1)
        else:
            ids = lines.order_by(*order(log.c))
        part = ids.limit(limit + 1).offset(offset).subquery("part")
        wanted = _seen().join(part, part.c.id == log.c.id).order_by(*order(part.c))
        rows = tx.execute(wanted).all()
    shown = sorted(rows[:limit], key=lambda row: (row.created_at, row.id), reverse=True)
    more = shown[-1].id if len(rows) > limit and which.after is None else None
    return LogList(limit, offset, more, [_view(row) for row in shown])


def _oldest(columns: Any) -> tuple[Any, Any]:
    return columns.created_at, columns.id


def _newest(columns: Any) -> tuple[Any, Any]:
    return columns.created_at.desc(), columns.id.desc()


def one(fleet: Fleet, actor: Actor, log_id: int) -> LogView:
    """One line. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        row = tx.execute(_seen().where(log.c.id == log_id)).first()
        if row is None:
            raise NotFound("log")
        actor.require_site(row.site_id, "log", log_id)
    return _view(row)


def _filtered(tx: Transaction, statement: Select[Any], actor: Actor, which: LogFilter) -> Select[Any]:
    return statement.where(listing.seen_by(tx, actor, log.c.site_id), *_alike(which))


def conditions(which: LogFilter) -> list[ColumnElement[bool]]:
    """What lines must be to be these, the words in them too: for who reads all of them, in whatever order."""
    words = searchable(which.search) if which.search else ""
    return [*_alike(which), *([or_(*_saying(words))] if words else [])]


def _alike(which: LogFilter) -> list[ColumnElement[bool]]:
    equal = {
        log.c.site_id: which.site_id,
        log.c.session_id: which.session_id,
        log.c.poste_id: which.poste_id,
        log.c.utilisateur_id: which.utilisateur_id,
        log.c.operateur_id: which.operateur_id,
    }
    bounds = ((which.since, log.c.created_at.__ge__), (which.until, log.c.created_at.__lt__))
    wanted: list[ColumnElement[bool]] = [
        column == value for column, value in equal.items() if value is not None
    ]
    wanted += [bound(value) for value, bound in bounds if value is not None]
    if which.before is not None:
        wanted.append(tuple_(log.c.created_at, log.c.id) < _place(which.before))
    if which.after is not None:
        wanted.append(tuple_(log.c.created_at, log.c.id) > _place(which.after))
    if which.actions:
        wanted.append(log.c.action.in_(which.actions))
    return wanted


def _place(cursor: int) -> ColumnElement[Any]:
    """Where a line is, or was before it was purged, in the order in which lines are read."""
    line = log.alias("cursor")
    near = select(line.c.created_at).where(line.c.id <= cursor).order_by(line.c.id.desc()).limit(1)
    return tuple_(func.coalesce(near.scalar_subquery(), _BEGINNING), literal(cursor, BigId))


def _searched(tx: Transaction, lines: Select[Any], words: str, order: Any, most: int) -> Select[Any]:
    """Those of actions so called, of which there are few, or with details that say so, which few lines have.

    PostgreSQL looks for each of these actions by itself: a word that nothing holds would else be looked for everywhere.
    """
    if not tx.is_postgresql:
        return lines.where(or_(*_saying(words))).order_by(*order(log.c))
    names, detailed = _called(words).subquery("called"), _saying(words)[1]
    each = (
        lines.where(log.c.action == names.c.action).order_by(*order(log.c)).limit(most).lateral("of_action")
    )
    by_name = select(each.c.id, each.c.created_at).select_from(names.join(each, true()))
    by_details = select(lines.where(detailed).order_by(*order(log.c)).limit(most).subquery("detailed"))
    found = union(by_name, by_details).subquery("found")
    return select(found.c.id, found.c.created_at).order_by(*order(found.c))


def _called(words: str) -> Select[Any]:
    return select(_actions().c.action).where(listing.contains(_actions().c.action, words))


def _saying(words: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of an action that is so called; with details that say so."""
    detailed = and_(text("log.details <> ''"), listing.contains(func.lower(log.c.details), words))
    return log.c.action.in_(_called(words)), detailed


@cache
def _actions() -> CTE:
    """Every action that there is a line of: one step of the index each."""
    first = select(func.min(log.c.action).label("action")).cte("actions", recursive=True)
    after = select(func.min(log.c.action)).where(log.c.action > first.c.action)
    return first.union_all(select(after.scalar_subquery()).where(first.c.action.is_not(None)))


def _sentence(facts: dict[str, Any]) -> str | None:
    motif = facts.get("motif")
    if isinstance(facts.get("phrase"), str):
        return str(facts["phrase"])
    return reasons.sentence(motif) if isinstance(motif, str) and motif in reasons.REASONS else None


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
        motif_texte=_sentence(row.metadata or {}),
        ip_address=(row.personal or {}).get("ip"),
        created_at=row.created_at,
        previous_hash=bytes(row.previous_hash).hex(),
        hash=bytes(row.hash).hex(),
    )
