"""Where each chain of the audit trail is, and how far it is archived: for who keeps that elsewhere."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import case, func, select

from fleet.database import listing
from fleet.database.tables import chain_head, log_archive, site
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.usecases.fleet import Fleet


class AnchorView(Struct, frozen=True, kw_only=True):
    """The end of a chain; `site` null: that of the deployment. Lines up to these numbers are archived, and purged."""

    chaine: int
    site: str | None
    numero: int
    hash: str
    archivees: int
    purgees: int


class AnchorList(Struct, frozen=True):
    """All chains. As `ppm audit anchor --json` says them, which `ppm audit verify --anchor` reads."""

    maintenant: datetime
    resultats: list[AnchorView]


def every(fleet: Fleet, actor: Actor) -> AnchorList:
    """Where each chain is now."""
    fleet.require(actor, ADMINISTRATEUR, "lecture_ancres")
    gone = case((log_archive.c.purge_a.is_not(None), log_archive.c.dernier))
    kept = select(
        log_archive.c.chain,
        func.max(log_archive.c.dernier).label("archivees"),
        func.max(gone).label("purgees"),
    )
    archived = kept.group_by(log_archive.c.chain).subquery("archived")
    wanted = (
        select(chain_head, site.c.slug, archived.c.archivees, archived.c.purgees)
        .outerjoin(site, site.c.id == chain_head.c.chain)
        .outerjoin(archived, archived.c.chain == chain_head.c.chain)
        .order_by(chain_head.c.chain)
    )
    with fleet.database.glance() as tx:
        rows = tx.execute(wanted.add_columns(listing.now_column(tx))).all()
        return AnchorList(rows[0].maintenant if rows else tx.now, [_view(row) for row in rows])


def _view(row: Any) -> AnchorView:
    return AnchorView(
        chaine=row.chain,
        site=row.slug,
        numero=row.numero,
        hash=bytes(row.hash).hex(),
        archivees=row.archivees or 0,
        purgees=row.purgees or 0,
    )
