"""What a human should look at, as it is listed; somebody who looks after it says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, select, update

from fleet.database import alerts, listing
from fleet.database.audit import Entry
from fleet.database.listing import Page
from fleet.database.tables import alert, operateur, poste, site
from fleet.domain import reasons
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet


class AlertView(Struct, frozen=True, kw_only=True):
    """Something that is or was wrong. It lasts until `resolue_a`; `acquittee_par` looks after it."""

    id: int
    genre: str
    texte: str
    site: str | None
    poste: str | None
    details: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    resolue_a: datetime | None
    acquittee_a: datetime | None
    acquittee_par: str | None


class AlertList(Struct, frozen=True):
    """A page of alerts."""

    total: int
    limit: int
    offset: int
    resultats: list[AlertView]


_SORTS = {"id": alert.c.id, "created_at": alert.c.created_at, "genre": alert.c.genre}
_SEEN: Select[Any] = (
    select(
        alert,
        site.c.slug.label("site_slug"),
        poste.c.slug.label("poste_slug"),
        poste.c.nom.label("poste_nom"),
        operateur.c.login,
    )
    .outerjoin(site, site.c.id == alert.c.site_id)
    .outerjoin(poste, poste.c.id == alert.c.poste_id)
    .outerjoin(operateur, operateur.c.id == alert.c.acquittee_par)
)


@dataclass(frozen=True)
class AlertFilter:
    """Which ones: those that last or (False) are over, that somebody looks after or nobody does; None: whatever."""

    lasting: bool | None = None
    cared_for: bool | None = None
    kinds: Sequence[str] = ()
    site_id: int | None = None

    def of(self, wanted: Select[Any]) -> Select[Any]:
        """Those alone."""
        if self.lasting is not None:
            over = alert.c.resolue_a.is_not(None)
            wanted = wanted.where(~over if self.lasting else over)
        if self.cared_for is not None:
            has = alert.c.acquittee_a.is_not(None)
            wanted = wanted.where(has if self.cared_for else ~has)
        if self.kinds:
            wanted = wanted.where(alert.c.genre.in_(self.kinds))
        return wanted if self.site_id is None else wanted.where(alert.c.site_id == self.site_id)


def search(fleet: Fleet, actor: Actor, which: AlertFilter, page: Page) -> AlertList:
    """A page of alerts, the newest first."""
    with fleet.database.read() as tx:
        wanted = which.of(_SEEN.where(alerts.seen_by(tx, actor)))
        found = listing.fetch(tx, wanted, page, _SORTS, "-id")
    return AlertList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def acknowledge(fleet: Fleet, actor: Actor, alert_id: int) -> AlertView:
    """Say that somebody looks after it. Raises NotFound."""
    fleet.require(actor, OPERATEUR, "acquittement_alerte", alerte=alert_id)
    with fleet.attempt(actor, "acquittement_alerte") as (tx, about):
        wanted = _SEEN.where(alert.c.id == alert_id)
        row = tx.execute(wanted).first()
        if row is None:
            raise NotFound("alerte")
        actor.require_site(row.site_id, "alerte", alert_id)
        about.site_id = row.site_id
        if row.acquittee_a is None:
            values = {"acquittee_a": tx.now, "acquittee_par": actor.operateur_id}
            tx.execute(update(alert).where(alert.c.id == alert_id).values(**values))
            facts = {"alerte": alert_id, "genre": row.genre}
            who = {"ip": actor.ip} if actor.ip else None
            tx.record(
                Entry("acquittement_alerte", row.site_id, actor.operateur_id, metadata=facts, personal=who)
            )
        return _view(tx.execute(wanted).one())


def _view(row: Any) -> AlertView:
    words = {**row.details, "poste": row.poste_nom}
    return AlertView(
        id=row.id,
        genre=row.genre,
        texte=reasons.sentence(row.genre, details=words),
        site=row.site_slug,
        poste=row.poste_slug,
        details=row.details,
        created_at=row.created_at,
        updated_at=row.updated_at,
        resolue_a=row.resolue_a,
        acquittee_a=row.acquittee_a,
        acquittee_par=row.login,
    )
