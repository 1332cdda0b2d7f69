"""The story of one session, from its audit trail: who, what, when, and why, in plain words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select

from fleet.database.tables import log, operateur, poste, session
from fleet.domain import reasons
from fleet.domain import timeline as domain
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened. `qui`: an operator's login, or visiteur, poste, système."""

    quand: datetime
    qui: str
    action: str
    texte: str
    poste: str | None
    motif: str | None
    motif_texte: str | None


class Timeline(Struct, frozen=True):
    """What happened to a session, in the order in which it did."""

    session: int
    evenements: list[TimelineEntry]


def of_session(fleet: Fleet, actor: Actor, session_id: int) -> Timeline:
    """The story of a session. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        site_id = tx.execute(select(session.c.site_id).where(session.c.id == session_id)).scalar_one_or_none()
        if site_id is None:
            raise NotFound("session")
        actor.require_site(site_id, "session", session_id)
        wanted = (
            select(log, operateur.c.login, poste.c.slug)
            .outerjoin(operateur, log.c.operateur_id == operateur.c.id)
            .outerjoin(poste, log.c.poste_id == poste.c.id)
            .where(log.c.session_id == session_id)
            .order_by(log.c.numero)
        )
        names = tx.execute(select(poste.c.slug, poste.c.nom).where(poste.c.site_id == site_id))
        postes: dict[str, str] = {row.slug: row.nom for row in names}
        return Timeline(session_id, [_entry(row, postes) for row in tx.execute(wanted)])


def _entry(row: Any, postes: Mapping[str, str]) -> TimelineEntry:
    facts = row.metadata or {}
    motif = facts.get("motif")
    known = isinstance(motif, str) and motif in reasons.REASONS
    return TimelineEntry(
        quand=row.created_at,
        qui=domain.author(row.action, row.login, facts),
        action=row.action,
        texte=domain.said(row.action, facts, postes),
        poste=row.slug,
        motif=motif if isinstance(motif, str) else None,
        motif_texte=facts.get("phrase") or (reasons.sentence(str(motif)) if known else None),
    )
