"""Tickets of the queue as they are read: each with its place and how long it may take, in one question.

What a ticket waits for is the others before it and the postes of its site: both come with its row, as JSON.
"""

import json
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Text, and_, case, func, select

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.tables import poste, queue, session, site, utilisateur
from fleet.domain import queue as rules
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.poste import EN_SERVICE
from fleet.domain.session import ACTIVE, ON_POSTE
from fleet.usecases.fleet import Fleet


class TicketView(Struct, frozen=True, kw_only=True):
    """One ticket. `position` from 1, null once called; `attente_estimee` in seconds, null: nobody can say."""

    id: int
    site: str
    numero: int
    prenom: str
    utilisateur: int | None
    duree: int
    statut: str
    position: int | None
    attente_estimee: int | None
    poste: str | None
    appelee_a: datetime | None
    expire_a: datetime | None
    session: int | None
    created_at: datetime
    version: int


class TicketList(Struct, frozen=True):
    """A page of tickets."""

    total: int
    limit: int
    offset: int
    resultats: list[TicketView]


_SORTS = {"rang": queue.c.rang, "id": queue.c.id, "created_at": queue.c.created_at}


def search(
    fleet: Fleet, actor: Actor, page: Page, *, site_id: int | None = None, statut: str | None = None
) -> TicketList:
    """A page of those who wait, in their order, or of the tickets in one state."""
    with fleet.database.read() as tx:
        states = rules.WAITING if statut is None else (statut,)
        wanted = _seen(tx).where(listing.seen_by(tx, actor, queue.c.site_id), queue.c.statut.in_(states))
        if site_id is not None:
            wanted = wanted.where(queue.c.site_id == site_id)
        found = listing.fetch(tx, wanted, page, _SORTS, "rang")
    return TicketList(found.total, page.limit, page.offset, [_view(row, found.now) for row in found.rows])


def one(fleet: Fleet, actor: Actor, ticket_id: int) -> TicketView:
    """One ticket. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        row = tx.execute(_seen(tx).where(queue.c.id == ticket_id)).first()
        if row is None:
            raise NotFound("ticket")
        actor.require_site(row.site_id, "ticket", ticket_id)
        return _view(row, tx.now)


def _seen(tx: Transaction) -> Select[Any]:
    return (
        select(
            queue,
            site.c.slug.label("site_slug"),
            poste.c.slug.label("poste_slug"),
            utilisateur.c.prenom.label("personne"),
            _line(tx).label("file"),
            _postes(tx).label("postes"),
        )
        .join_from(queue, site, queue.c.site_id == site.c.id)
        .outerjoin(poste, queue.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, queue.c.utilisateur_id == utilisateur.c.id)
    )


def _rows(tx: Transaction, *columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Rows as text: a list of lists."""
    if tx.is_postgresql:
        return func.jsonb_agg(func.jsonb_build_array(*columns)).cast(Text)
    return func.json_group_array(func.json_array(*columns)).cast(Text)


def _line(tx: Transaction) -> Any:
    """Who waits at the ticket's site: rank, id, state, duration and held poste."""
    other = queue.alias("autre")
    said = _rows(tx, other.c.rang, other.c.id, other.c.statut, other.c.duree_s, other.c.poste_id)
    here = (other.c.site_id == queue.c.site_id, other.c.statut.in_(rules.WAITING))
    return select(said).where(*here).correlate(queue).scalar_subquery()


def _postes(tx: Transaction) -> Any:
    """The postes in service of the ticket's site: id, whether there is a session, the time it has left in
    milliseconds, or the end that it runs towards."""
    mine = poste.alias("un_poste")
    on = and_(session.c.poste_id == mine.c.id, session.c.statut.in_(ON_POSTE))
    runs = and_(session.c.statut == ACTIVE, session.c.confirmer_avant.is_(None))
    granted = session.c.duree_initiale_ms + session.c.temps_ajoute_ms
    left = case((runs, None), else_=func.coalesce(session.c.restant_ms, granted))
    end = case((runs, session.c.fin_prevue))
    said = _rows(tx, mine.c.id, session.c.id, left, end)
    here = (mine.c.site_id == queue.c.site_id, mine.c.statut_voulu == EN_SERVICE)
    return (
        select(said).select_from(mine.outerjoin(session, on)).where(*here).correlate(queue).scalar_subquery()
    )


def _view(row: Any, now: datetime) -> TicketView:
    position, estimate = _place(row, now) if row.statut == rules.EN_FILE else (None, None)
    return TicketView(
        id=row.id,
        site=row.site_slug,
        numero=row.numero,
        prenom=row.prenom or row.personne or "",
        utilisateur=row.utilisateur_id,
        duree=row.duree_s,
        statut=row.statut,
        position=position,
        attente_estimee=estimate,
        poste=row.poste_slug,
        appelee_a=row.appelee_a,
        expire_a=row.expire_a,
        session=row.session_id,
        created_at=row.created_at,
        version=row.version,
    )


def _place(row: Any, now: datetime) -> tuple[int, int | None]:
    line = sorted(json.loads(row.file))
    held = {poste_id: duration * 1000 for _, _, statut, duration, poste_id in line if statut == rules.APPELEE}
    frees = [
        held.get(poste_id, 0) if has_session is None else _free_in(left_ms, end, now)
        for poste_id, has_session, left_ms, end in json.loads(row.postes or "[]")
    ]
    waiting = [
        (number, duration * 1000) for _, number, statut, duration, _ in line if statut == rules.EN_FILE
    ]
    waits = rules.waits_ms(frees, [duration for _, duration in waiting])
    index = [number for number, _ in waiting].index(row.id)
    wait = waits[index]
    return index + 1, None if wait is None else wait // 1000


def _free_in(left_ms: int | None, end: str | None, now: datetime) -> int:
    if end is not None:
        at = datetime.fromisoformat(end)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        left_ms = max(0, int((at - now).total_seconds() * 1000))
    return (left_ms or 0) + rules.TURNOVER_MS
