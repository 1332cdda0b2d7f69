"""Orders to postes as the desk sees them: those that wait for a poste that is away, and what became of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, case, or_, select

from fleet.database import listing
from fleet.database.listing import Page
from fleet.database.sql import now_within
from fleet.database.tables import command, operateur, poste, site
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet

WAITS = "attend"
_ENDED = {"done": "faite", "refused": "refusee", "expired": "expiree", "cancelled": "annulee"}
"""How it ended, in the words of the wire and in those of the API."""


class OrderView(Struct, frozen=True, kw_only=True):
    """An order to a poste. `statut`: attend, a_envoyer, envoyee, faite, refusee, expiree,
    annulee.

    `attend`: its poste gets it when it is back, unless that is after `expire_a`. `created_at`: when it was given, or
    when its poste was back; `repondu_a`: when it was known what became of it.
    """

    id: str
    site: str
    poste: str
    op: str
    texte: str | None
    version: str | None
    operateur: str | None
    statut: str
    motif: str | None
    motif_texte: str | None
    created_at: datetime
    expire_a: datetime | None
    repondu_a: datetime | None


class OrderList(Struct, frozen=True):
    """A page of orders."""

    total: int
    limit: int
    offset: int
    resultats: list[OrderView]


_SORTS = {"created_at": command.c.issued_at, "expire_a": command.c.expire_a, "poste": poste.c.slug}


@dataclass(frozen=True)
class OrderFilter:
    """Which orders: those that wait, if nothing is said."""

    site_id: int | None = None
    poste_id: int | None = None
    statuts: Sequence[str] = (WAITS,)


_SEEN = (
    select(
        command.c.id,
        command.c.op,
        command.c.args,
        command.c.issued_at,
        command.c.expire_a,
        command.c.motif,
        command.c.updated_at,
        site.c.slug.label("site_slug"),
        poste.c.slug.label("poste_slug"),
        operateur.c.login,
    )
    .join_from(command, site, command.c.site_id == site.c.id)
    .join(poste, command.c.poste_id == poste.c.id)
    .outerjoin(operateur, command.c.operateur_id == operateur.c.id)
)


def search(fleet: Fleet, actor: Actor, which: OrderFilter, page: Page) -> OrderList:
    """A page of the orders to postes that the actor sees, the oldest first."""
    with fleet.database.glance() as tx:
        now = now_within(tx)
        wanted = _SEEN.add_columns(_statut(now).label("statut"))
        wanted = wanted.where(listing.seen_by(tx, actor, command.c.site_id), _is_one_of(which.statuts, now))
        if which.site_id is not None:
            wanted = wanted.where(command.c.site_id == which.site_id)
        if which.poste_id is not None:
            wanted = wanted.where(command.c.poste_id == which.poste_id)
        found = listing.fetch(tx, wanted, page, _SORTS, "created_at")
    return OrderList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def _statut(now: Any) -> ColumnElement[str]:
    """One that has waited too long is over from its instant on, whether that is written yet or not."""
    late = and_(command.c.statut == WAITS, command.c.expire_a <= now)
    return case((late, "expired"), else_=command.c.statut)


def _is_one_of(statuts: Sequence[str], now: Any) -> ColumnElement[bool]:
    """In the words of the indexes: what waits is found among few."""
    kept = {ended: code for code, ended in _ENDED.items()}
    codes = [kept.get(one, one) for one in statuts]
    alike = command.c.statut.in_([code for code in codes if code != WAITS])
    waits = and_(command.c.statut == WAITS, command.c.expire_a > now)
    late = and_(command.c.statut == WAITS, command.c.expire_a <= now)
    return or_(alike, *([waits] if WAITS in codes else []), *([late] if "expired" in codes else []))


def _view(row: Any) -> OrderView:
    statut = _ENDED.get(row.statut, row.statut)
    known = row.motif in reasons.REASONS
    return OrderView(
        id=row.id,
        site=row.site_slug,
        poste=row.poste_slug,
        op=row.op,
        texte=row.args.get("text"),
        version=row.args.get("version"),
        operateur=row.login,
        statut=statut,
        motif=row.motif,
        motif_texte=reasons.sentence(row.motif) if known else None,
        created_at=row.issued_at,
        expire_a=row.expire_a,
        repondu_a=row.updated_at if statut in _ENDED.values() else None,
    )
