"""Orders that wait for a poste that is away, as the desk sees them."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select

from fleet.database import listing
from fleet.database.listing import Page
from fleet.database.sql import now_within
from fleet.database.tables import command, operateur, poste, site
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet

WAITS = "attend"


class OrderView(Struct, frozen=True, kw_only=True):
    """An order that its poste gets when it is back, unless that is after `expire_a`."""

    id: str
    site: str
    poste: str
    op: str
    texte: str | None
    version: str | None
    operateur: str | None
    created_at: datetime
    expire_a: datetime


class OrderList(Struct, frozen=True):
    """A page of orders that wait."""

    total: int
    limit: int
    offset: int
    resultats: list[OrderView]


_SORTS = {"created_at": command.c.issued_at, "expire_a": command.c.expire_a, "poste": poste.c.slug}
_SEEN = (
    select(
        command.c.id,
        command.c.op,
        command.c.args,
        command.c.issued_at,
        command.c.expire_a,
        site.c.slug.label("site_slug"),
        poste.c.slug.label("poste_slug"),
        operateur.c.login,
    )
    .join_from(command, site, command.c.site_id == site.c.id)
    .join(poste, command.c.poste_id == poste.c.id)
    .outerjoin(operateur, command.c.operateur_id == operateur.c.id)
    .where(command.c.statut == WAITS)
)


def waiting(fleet: Fleet, actor: Actor, site_id: int | None, poste_id: int | None, page: Page) -> OrderList:
    """A page of the orders that still wait for a poste that the actor sees, the oldest first."""
    with fleet.database.glance() as tx:
        # One that has waited too long is over from its instant on, whether that is written yet or not.
        wanted = _SEEN.where(
            listing.seen_by(tx, actor, command.c.site_id), command.c.expire_a > now_within(tx)
        )
        if site_id is not None:
            wanted = wanted.where(command.c.site_id == site_id)
        if poste_id is not None:
            wanted = wanted.where(command.c.poste_id == poste_id)
        found = listing.fetch(tx, wanted, page, _SORTS, "created_at")
    return OrderList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def _view(row: Any) -> OrderView:
    return OrderView(
        id=row.id,
        site=row.site_slug,
        poste=row.poste_slug,
        op=row.op,
        texte=row.args.get("text"),
        version=row.args.get("version"),
        operateur=row.login,
        created_at=row.issued_at,
        expire_a=row.expire_a,
    )
