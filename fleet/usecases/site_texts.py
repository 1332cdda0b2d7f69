"""Every version of a site's notice and charter: a consent names the one that its person was shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select

from fleet.database.engine import Transaction
from fleet.database.tables import operateur, site, site_text
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet

KINDS = ("notice", "charte")


class TextVersion(Struct, frozen=True, kw_only=True):
    """A text of a site as it was from `created_at` until the next version."""

    genre: str
    version: int
    texte: str
    operateur: str | None
    created_at: datetime


class TextVersions(Struct, frozen=True):
    """The texts of a site, the newest of each first."""

    site: str
    resultats: list[TextVersion]


def keep(tx: Transaction, actor: Actor, site_id: int, values: Mapping[str, Any]) -> None:
    """Keep those of these columns of a site that are texts, as the versions that they are now."""
    rows = [
        {
            "site_id": site_id,
            "genre": kind,
            "texte_version": values.get(f"{kind}_version", 1),
            "texte": values[kind],
            "operateur_id": actor.operateur_id,
            "created_at": tx.now,
        }
        for kind in KINDS
        if kind in values
    ]
    if rows:
        tx.execute(insert(site_text), rows)


def of_site(fleet: Fleet, actor: Actor, site_id: int) -> TextVersions:
    """All versions of a site's texts. Raises NotFound."""
    fleet.require_site(actor, site_id)
    wanted = (
        select(site_text, operateur.c.login, site.c.slug)
        .select_from(site.outerjoin(site_text, site_text.c.site_id == site.c.id))
        .outerjoin(operateur, site_text.c.operateur_id == operateur.c.id)
        .where(site.c.id == site_id)
        .order_by(site_text.c.genre.desc(), site_text.c.texte_version.desc())
    )
    with fleet.database.glance() as tx:
        rows = tx.execute(wanted).all()
    if not rows:
        raise NotFound("site")
    return TextVersions(rows[0].slug, [_view(row) for row in rows if row.genre is not None])


def one(fleet: Fleet, actor: Actor, site_id: int, kind: str, version: int) -> TextVersion:
    """One version of a text. Raises NotFound."""
    for text in of_site(fleet, actor, site_id).resultats:
        if (text.genre, text.version) == (kind, version):
            return text
    raise NotFound("texte")


def _view(row: Any) -> TextVersion:
    return TextVersion(
        genre=row.genre,
        version=row.texte_version,
        texte=row.texte,
        operateur=row.login,
        created_at=row.created_at,
    )
