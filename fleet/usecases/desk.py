"""What every act of the desk on a session begins with and leaves behind."""

from typing import Any

from fleet.database import places, sessions, waiting
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.sessions import Found
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound, Refused
from fleet.domain.poste import EN_SERVICE
from fleet.usecases.fleet import About

CLEANING_S = 5
"""When to look again whether a clean-up is over."""


def locked(tx: Transaction, about: About, actor: Actor, session_id: int) -> Found:
    """A session of the actor's sites, locked. Raises NotFound."""
    found = sessions.locked(tx, session_id)
    session = found.session
    actor.require_site(session.site_id, "session", session.id)
    about.site_id, about.session_id = session.site_id, session.id
    about.poste_id, about.utilisateur_id = session.poste_id, session.utilisateur_id
    return found


def check_poste(tx: Transaction, actor: Actor, site_id: int, poste_id: int) -> None:
    """Raise NotFound for a poste of another site, Refused for one that is not in service."""
    poste = places.poste(tx, poste_id)
    actor.require_site(poste.site_id, "poste", poste_id)
    if poste.site_id != site_id:
        raise NotFound("poste")
    if poste.statut_voulu != EN_SERVICE:
        raise Refused("poste_en_maintenance" if poste.statut_voulu == "maintenance" else "poste_hors_service")


def check_free(tx: Transaction, poste_id: int) -> None:
    """Refuse a poste that has a visitor, is being cleaned, awaits a technician or is kept for somebody."""
    if places.needs_care(tx, poste_id):
        raise Refused("poste_en_maintenance")
    if sessions.is_taken(tx, poste_id):
        raise Refused("poste_occupe")
    if places.is_cleaning(tx, poste_id):
        raise Refused("poste_en_nettoyage", retry_after_s=CLEANING_S)
    if sessions.is_awaited(tx, poste_id) or waiting.is_called_to(tx, poste_id):
        raise Refused("poste_deja_reserve")


def present(tx: Transaction, poste_id: int | None) -> str:
    """The start of the machine of a poste that is there. Raises Refused."""
    boot = None if poste_id is None else places.boot_online(tx, poste_id)
    if boot is None:
        raise Refused("poste_hors_ligne")
    return boot


def entry(action: str, about: About, actor: Actor, **more: Any) -> Entry:
    """The line of the audit trail about this."""
    named = {
        "site_id": about.site_id,
        "session_id": about.session_id,
        "poste_id": about.poste_id,
        "utilisateur_id": about.utilisateur_id,
        "operateur_id": actor.operateur_id,
        "personal": {"ip": actor.ip} if actor.ip else None,
    }
    return Entry(action, **{**named, **more})
