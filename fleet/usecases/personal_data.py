"""What the law gives a person: all that is known of them, in their hands; and to be forgotten."""

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Select, func, select

from fleet.database import erasing, listing, people, purges
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page, fetch
from fleet.database.tables import (
    booking,
    extension,
    grant,
    log,
    operateur,
    photo,
    poste,
    purge,
    queue,
    session,
    site,
    transfer,
    utilisateur,
)
from fleet.domain.actor import ADMINISTRATEUR, OPERATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.domain.session import EN_ATTENTE, USABLE
from fleet.usecases import personal_page, withdrawals
from fleet.usecases.fleet import Fleet

_HIDDEN = ("recherche", "photo", "version")


class PurgeView(Struct, frozen=True, kw_only=True):
    """A certificate: what was erased, how much of it, and by which limit or whose hand."""

    id: int
    classe: str
    nombre: int
    avant: datetime | None
    details: dict[str, Any]
    operateur: str | None
    created_at: datetime


class PurgeList(Struct, frozen=True):
    """A page of certificates."""

    total: int
    limit: int
    offset: int
    resultats: list[PurgeView]


def exported(fleet: Fleet, actor: Actor, utilisateur_id: int, zone: str) -> bytes:
    """A ZIP for the person: what is known as JSON and as a page to read, and the photo; `zone`: of the deployment.

    Of whoever is limited to sites it has the record, and what is of these sites, and says so. Raises NotFound.
    """
    fleet.require(actor, OPERATEUR, "export")
    with fleet.attempt(actor, "export") as (tx, about):
        about.utilisateur_id = utilisateur_id
        known = _known(tx, actor, utilisateur_id, zone)
        picture = tx.execute(select(photo.c.image).where(photo.c.utilisateur_id == utilisateur_id)).scalar()
        facts = {"quoi": "utilisateur", "format": "zip", "complet": known["perimetre"]["complet"]}
        tx.record(_entry(actor, "export", utilisateur_id, facts))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("donnees.json", msgspec.json.format(msgspec.json.encode(known)))
        archive.writestr("donnees.html", personal_page.page(known))
        if picture is not None:
            archive.writestr("photo.jpg", bytes(picture))
    return file.getvalue()


def _known(tx: Transaction, actor: Actor, utilisateur_id: int, zone: str) -> dict[str, Any]:
    person = tx.execute(select(utilisateur).where(utilisateur.c.id == utilisateur_id)).mappings().first()
    if person is None:
        raise NotFound("utilisateur")
    mine = select(site.c.slug, site.c.nom).where(listing.seen_by(tx, actor, site.c.id)).order_by(site.c.slug)
    sites = [dict(row) for row in tx.execute(mine).mappings()]
    shown = {key: value for key, value in person.items() if key not in _HIDDEN}
    return {
        "perimetre": {"complet": actor.sites is None, "sites": sites},
        "personne": [shown | {"fuseau": zone}],
    } | {
        name: [dict(row) for row in tx.execute(wanted.where(listing.seen_by(tx, actor, of_site))).mappings()]
        for name, (wanted, of_site) in _lists(utilisateur_id, zone).items()
    }


def _lists(utilisateur_id: int, zone: str) -> dict[str, tuple[Select[Any], Any]]:
    """What is asked of the database, each with the column that says of which site a row is."""
    local = site.c.zone.label("fuseau")
    sessions = (
        select(
            session.c.id, site.c.nom.label("site"), poste.c.nom.label("poste"), session.c.statut, session.c.motif_fin,
            session.c.created_at, session.c.debut_session, session.c.fin_session, session.c.notes, local,
        )
        .join_from(session, site, session.c.site_id == site.c.id)
        .outerjoin(poste, session.c.poste_id == poste.c.id)
        .where(session.c.utilisateur_id == utilisateur_id)
        .order_by(session.c.id)
    )  # fmt: skip
    granted = (
        select(
            grant.c.session_id, grant.c.genre, grant.c.montant_ms, grant.c.motif, grant.c.created_at, local
        )
        .join_from(grant, session, grant.c.session_id == session.c.id)
        .join(site, session.c.site_id == site.c.id)
        .where(session.c.utilisateur_id == utilisateur_id)
        .order_by(grant.c.id)
    )
    left, taken = poste.alias(), poste.alias()
    moved = (
        select(
            transfer.c.session_id,
            left.c.nom.label("de"),
            taken.c.nom.label("vers"),
            transfer.c.created_at,
            local,
        )
        .join_from(transfer, session, transfer.c.session_id == session.c.id)
        .join(site, session.c.site_id == site.c.id)
        .join(left, transfer.c.de_poste_id == left.c.id)
        .join(taken, transfer.c.vers_poste_id == taken.c.id)
        .where(session.c.utilisateur_id == utilisateur_id)
        .order_by(transfer.c.id)
    )
    asked = (
        select(
            extension.c.session_id, extension.c.secondes, extension.c.statut, extension.c.created_at, local
        )
        .join_from(extension, session, extension.c.session_id == session.c.id)
        .join(site, session.c.site_id == site.c.id)
        .where(session.c.utilisateur_id == utilisateur_id)
        .order_by(extension.c.id)
    )
    booked = (
        select(
            booking.c.id, site.c.nom.label("site"), poste.c.nom.label("poste"), booking.c.statut, booking.c.debut,
            booking.c.fin, booking.c.nom, booking.c.notes, booking.c.created_at, local,
        )
        .join_from(booking, site, booking.c.site_id == site.c.id)
        .join(poste, booking.c.poste_id == poste.c.id)
        .where(booking.c.utilisateur_id == utilisateur_id)
        .order_by(booking.c.id)
    )  # fmt: skip
    waited = (
        select(
            queue.c.id, site.c.nom.label("site"), queue.c.statut, queue.c.prenom, queue.c.created_at, local
        )
        .join_from(queue, site, queue.c.site_id == site.c.id)
        .where(queue.c.utilisateur_id == utilisateur_id)
        .order_by(queue.c.id)
    )
    why = log.c.metadata["motif"].as_string()
    there = func.coalesce(site.c.zone, zone).label("fuseau")
    told = (
        select(log.c.created_at, log.c.action, why.label("motif"), log.c.details, log.c.session_id, there)
        .outerjoin_from(log, site, log.c.site_id == site.c.id)
        .where(log.c.utilisateur_id == utilisateur_id)
        .order_by(log.c.id)
    )
    return {
        "sessions": (sessions, session.c.site_id),
        "temps_accorde": (granted, session.c.site_id),
        "transferts": (moved, session.c.site_id),
        "demandes_temps": (asked, session.c.site_id),
        "reservations": (booked, booking.c.site_id),
        "attente": (waited, queue.c.site_id),
        "journal": (told, log.c.site_id),
    }


def erase(fleet: Fleet, actor: Actor, utilisateur_id: int) -> PurgeView:
    """Forget somebody; their sessions stay in the statistics, without them, and what they held is withdrawn: a code
    that waits, bookings, tickets. Gives the certificate.

    Raises NotFound, and Refused while a session of theirs runs or is paused: its visitor is at a poste.
    """
    fleet.require(actor, ADMINISTRATEUR, "effacement_utilisateur")
    with fleet.attempt(actor, "effacement_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        held = withdrawals.lock_sessions(tx, utilisateur_id, USABLE)
        people.locked(tx, utilisateur_id)
        if any(one.statut != EN_ATTENTE for one in held):
            raise Refused("effacement_session_ouverte")
        withdrawals.give_back(tx, actor, utilisateur_id, held, "effacement")
        theirs = (session.c.utilisateur_id == utilisateur_id, session.c.statut.in_(USABLE))
        if tx.execute(select(session.c.id).where(*theirs)).first() is not None:
            raise Refused("modifie_entre_temps")
        erasing.forget_people(tx, [utilisateur_id])
        number = purges.certify(
            tx, "utilisateur", 1, operateur_id=actor.operateur_id, utilisateur_id=utilisateur_id
        )
        row = tx.execute(_CERTIFICATES.where(purge.c.id == number)).one()
    return _certificate(row)


_CERTIFICATES = select(purge, operateur.c.login).outerjoin(operateur, operateur.c.id == purge.c.operateur_id)
_SORTS = {"id": purge.c.id, "created_at": purge.c.created_at, "classe": purge.c.classe}


def certificates(fleet: Fleet, actor: Actor, page: Page) -> PurgeList:
    """What was erased, the newest first."""
    fleet.require(actor, ADMINISTRATEUR, "lecture_purges")
    with fleet.database.read() as tx:
        found = fetch(tx, _CERTIFICATES, page, _SORTS, "-id")
    return PurgeList(found.total, page.limit, page.offset, [_certificate(row) for row in found.rows])


def _certificate(row: Any) -> PurgeView:
    return PurgeView(
        id=row.id,
        classe=row.classe,
        nombre=row.nombre,
        avant=row.avant,
        details=row.details,
        operateur=row.login,
        created_at=row.created_at,
    )


def _entry(actor: Actor, action: str, utilisateur_id: int, facts: Mapping[str, Any]) -> Entry:
    return Entry(
        action,
        operateur_id=actor.operateur_id,
        utilisateur_id=utilisateur_id,
        metadata=facts,
        personal={"ip": actor.ip} if actor.ip else None,
    )
