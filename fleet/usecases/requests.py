"""Requests for more time as the desk sees and answers them."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, case, select

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.listing import Ids, Page
from fleet.database.sql import now_within
from fleet.database.tables import extension, operateur, poste, session, site
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import extensions, sessions
from fleet.usecases.fleet import Fleet

STATUTS = ("ouverte", "accordee", "refusee", "perimee")


class RequestView(Struct, frozen=True, kw_only=True):
    """A visitor asks for more time. Unanswered it dies at `expire_a`."""

    id: int
    site: str
    session: int
    poste: str | None
    secondes: int
    statut: str
    operateur: str | None
    created_at: datetime
    expire_a: datetime


class RequestList(Struct, frozen=True):
    """A page of requests for time."""

    total: int
    limit: int
    offset: int
    resultats: list[RequestView]


_SORTS = {"id": extension.c.id, "expire_a": extension.c.expire_a}


def _statut(tx: Transaction) -> ColumnElement[str]:
    # One that has died is dead from its instant on, whether somebody has written it yet or not.
    dead = (extension.c.statut == "ouverte") & (extension.c.expire_a <= now_within(tx))
    return case((dead, "perimee"), else_=extension.c.statut)


def _seen(tx: Transaction) -> Select[Any]:
    return (
        select(
            extension.c.id,
            extension.c.site_id,
            extension.c.session_id,
            extension.c.secondes,
            extension.c.created_at,
            extension.c.expire_a,
            _statut(tx).label("vrai_statut"),
            site.c.slug.label("site_slug"),
            poste.c.slug.label("poste_slug"),
            operateur.c.login,
        )
        .join_from(extension, site, extension.c.site_id == site.c.id)
        .join(session, extension.c.session_id == session.c.id)
        .outerjoin(poste, session.c.poste_id == poste.c.id)
        .outerjoin(operateur, extension.c.operateur_id == operateur.c.id)
    )


def search(fleet: Fleet, actor: Actor, statut: str | None, site_id: int | None, page: Page) -> RequestList:
    """A page of the requests that the actor sees, the oldest first."""
    with fleet.database.glance() as tx:
        ids = select(extension.c.id).where(listing.seen_by(tx, actor, extension.c.site_id))
        if site_id is not None:
            ids = ids.where(extension.c.site_id == site_id)
        if statut is not None:
            ids = ids.where(_statut(tx) == statut)
        found = listing.fetch_long(tx, _seen(tx), Ids(ids, ids), page, _SORTS, "id")
    return RequestList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def one(fleet: Fleet, actor: Actor, request_id: int) -> RequestView:
    """One request. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.glance() as tx:
        row = tx.execute(_seen(tx).where(extension.c.id == request_id)).first()
        if row is None:
            raise NotFound("demande")
        actor.require_site(row.site_id, "demande", request_id)
    return _view(row)


def accept(fleet: Fleet, actor: Actor, request_id: int, seconds: int | None = None) -> None:
    """Yes, with what was asked or with another number of seconds. Raises Refused."""
    asked = one(fleet, actor, request_id)
    given = asked.secondes if seconds is None else seconds
    sessions.add_time(fleet, actor, asked.session, given, answering=request_id)


def refuse(fleet: Fleet, actor: Actor, request_id: int) -> None:
    """No; the poste is told so. Raises Refused."""
    asked = one(fleet, actor, request_id)
    if asked.statut != "ouverte":
        raise Refused("deja_repondu")
    extensions.refuse(fleet, actor, asked.session)


def _view(row: Any) -> RequestView:
    return RequestView(
        id=row.id,
        site=row.site_slug,
        session=row.session_id,
        poste=row.poste_slug,
        secondes=row.secondes,
        statut=row.vrai_statut,
        operateur=row.login,
        created_at=row.created_at,
        expire_a=row.expire_a,
    )
