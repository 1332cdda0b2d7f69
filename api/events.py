"""From the audit trail to what pages hear: each line, in commit order, becomes at most one event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import select

from fleet.database.audit import on_chain
from fleet.database.engine import Transaction
from fleet.database.tables import chain_head, log, site
from fleet.usecases import poste_views, session_views

TYPES = {
    "generation_code": "time_update",
    "modification_session": "time_update",
    "demarrage_session": "session_started",
    "reprise_session": "time_update",
    "suspension_session": "time_update",
    "transfert_session": "time_update",
    "annulation_fin": "time_update",
    "credit_panne": "time_added",
    "ajout_temps": "time_added",
    "fermeture": "session_terminated",
    "expiration": "session_terminated",
    "avertissement": "warning",
    "connexion_poste": "presence",
    "deconnexion_poste": "presence",
    "changement_statut_poste": "presence",
    "nettoyage_poste": "presence",
    "creation_poste": "presence",
    "modification_poste": "presence",
    "suppression_poste": "room_update",
    "modification_plan": "room_update",
    "modification_site": "room_update",
    "demande_temps": "time_update",
    "refus_temps": "time_update",
    "file_attente": "queue_update",
    "reservation": "booking_update",
    "annulation_reservation": "booking_update",
    "reservation_hors_horaires": "booking_update",
    "reservation_manquee": "booking_update",
    "erreur": "error",
}
_MOST = 500
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Event:
    """One message for those who may see the site, and those who look at the session.

    `position`: how far in the trail of which site whoever hears it is then; empty for what is in no trail.
    """

    site_id: int
    session_id: int | None
    payload: bytes
    position: Mapping[str, int] = field(default_factory=dict)


def heads(tx: Transaction) -> dict[int, int]:
    """The last number of each chain: what comes after it is new."""
    return {row.chain: row.numero for row in tx.execute(select(chain_head.c.chain, chain_head.c.numero))}


def slugs(tx: Transaction) -> dict[int, str]:
    """The sites."""
    return {row.id: row.slug for row in tx.execute(select(site.c.id, site.c.slug).order_by(site.c.id))}


def is_kept(tx: Transaction, chain: int, numero: int) -> bool:
    """Whether the trail still has this number of a site, and with it all later ones."""
    return tx.execute(select(log.c.id).where(on_chain(chain), log.c.numero == numero)).first() is not None


def since(
    tx: Transaction, chain: int, numero: int, until: int | None = None, session_id: int | None = None
) -> tuple[list[Event], int, bool]:
    """What happened in a site after a number, to one session if it is said; the new last number; whether there is
    more."""
    wanted = select(log).where(on_chain(chain), log.c.numero > numero).order_by(log.c.numero)
    if until is not None:
        wanted = wanted.where(log.c.numero <= until)
    if session_id is not None:
        wanted = wanted.where(log.c.session_id == session_id)
    rows = tx.execute(wanted.limit(_MOST)).all()
    if not rows:
        return [], numero, False
    told = [row for row in rows if row.action in TYPES]
    slug = tx.execute(select(site.c.slug).where(site.c.id == chain)).scalar_one()
    sessions = session_views.some(tx, sorted({row.session_id for row in told if row.session_id}))
    postes = {
        view.id: view for view in poste_views.some(tx, sorted({r.poste_id for r in told if r.poste_id}))
    }
    events = [_event(row, slug, sessions, postes) for row in told]
    return events, rows[-1].numero, len(rows) == _MOST


def _event(
    row: Any,
    slug: str,
    sessions: Mapping[int, session_views.SessionView],
    postes: Mapping[int, poste_views.PosteView],
) -> Event:
    said = {
        "type": TYPES[row.action],
        "action": row.action,
        "site": slug,
        "numero": row.numero,
        "at": row.created_at,
        "session": sessions.get(row.session_id or 0),
        "poste": postes.get(row.poste_id or 0),
        "details": row.metadata,
    }
    return Event(row.site_id, row.session_id, _encode(said), {slug: row.numero})


def presence(tx: Transaction, site_ids: Iterable[int], known: dict[int, tuple[Any, ...]]) -> list[Event]:
    """The postes of these sites that look different from what is `known`, which is brought up to date."""
    sites = sorted(site_ids)
    ids = {row.slug: row.id for row in tx.execute(select(site.c.slug, site.c.id))} if sites else {}
    events = []
    for view in poste_views.of_sites(tx, sites) if sites else []:
        look = (view.statut, view.est_en_ligne, view.phase, view.session_active)
        if known.get(view.id) != look:
            known[view.id] = look
            said = {"type": "presence", "site": view.site, "poste": view}
            events.append(Event(ids[view.site], view.session_active, _encode(said)))
    return events
