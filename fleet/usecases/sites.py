"""Sites: created and edited by administrators; new hours bite running sessions at once."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import bulk, listing, sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.news import CONFIG, DESIRED, PROMISES
from fleet.database.tables import poste, session, site
from fleet.domain import opening_hours, optional_fields, policy
from fleet.domain import session as rules
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.booking import is_open_for
from fleet.domain.errors import Invalid, NotFound
from fleet.domain.opening_hours import OpeningHours
from fleet.domain.utilisateur import name
from fleet.usecases import closed_bookings, site_texts
from fleet.usecases.closed_bookings import ClosedBooking
from fleet.usecases.fleet import Fleet

DEFAULT_ZONE = "Indian/Reunion"
LONGEST_TEXT = 20_000
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class SiteView(Struct, frozen=True, kw_only=True):
    """A place that has postes. `ouvert` and what follows it are as of now."""

    id: int
    slug: str
    nom: str
    zone: str
    horaires: dict[str, Any]
    exceptions: dict[str, Any]
    politique: dict[str, Any]
    champs: dict[str, str]
    notice: str
    notice_version: int
    charte: str
    charte_version: int
    ouvert: bool
    fermeture: datetime | None
    prochaine_ouverture: datetime | None
    horaires_definis: bool
    nombre_postes: int
    created_at: datetime
    updated_at: datetime
    version: int


class EditedSite(SiteView, frozen=True, kw_only=True):
    """A site as it is now, and the bookings of times at which it will be closed."""

    reservations_hors_horaires: list[ClosedBooking]


class SiteList(Struct, frozen=True):
    """A page of sites."""

    total: int
    limit: int
    offset: int
    resultats: list[SiteView]


_SORTS = {"nom": site.c.nom, "slug": site.c.slug, "id": site.c.id}


def search(fleet: Fleet, actor: Actor, page: Page) -> SiteList:
    """A page of the actor's sites."""
    with fleet.database.read() as tx:
        wanted = _seen().where(listing.seen_by(tx, actor, site.c.id))
        found = listing.fetch(tx, wanted, page, _SORTS, "nom")
    return SiteList(found.total, page.limit, page.offset, [_view(row, found.now) for row in found.rows])


def one(fleet: Fleet, actor: Actor, site_id: int) -> SiteView:
    """One site. Raises NotFound."""
    fleet.require_site(actor, site_id)
    with fleet.database.read() as tx:
        row = tx.execute(_seen().add_columns(listing.now_column(tx)).where(site.c.id == site_id)).first()
    if row is None:
        raise NotFound("site")
    return _view(row, row.maintenant)


def edited(fleet: Fleet, actor: Actor, site_id: int, fields: Mapping[str, Any]) -> EditedSite:
    """What `edit` gives, with the site as it is then."""
    closed = edit(fleet, actor, site_id, fields)
    view = one(fleet, actor, site_id)
    said = {name: getattr(view, name) for name in view.__struct_fields__}
    return EditedSite(**said, reservations_hors_horaires=closed)


def create(fleet: Fleet, actor: Actor, slug: str, fields: Mapping[str, Any]) -> int:
    """A site with its rules (`fields` as in `edit`). Gives its id. Raises Invalid."""
    fleet.require(actor, ADMINISTRATEUR, "creation_site")
    if not _SLUG.fullmatch(slug) or slug.isdigit():
        raise Invalid("slug", "valeur_invalide", regle="a-z, 0-9 et -, une lettre au moins")
    start = {"zone": DEFAULT_ZONE, "horaires": {}, "exceptions": {}, "politique": {}}
    values = {**start, **_cleaned(fields, policy.Policy(), start)}
    if "nom" not in values:
        raise Invalid("nom", "valeur_invalide", regle="de 1 à 100 caractères")
    with fleet.attempt(actor, "creation_site") as (tx, _about):
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        try:
            made = tx.execute(
                insert(site).values(slug=slug, **values, **stamps).returning(site.c.id)
            ).scalar_one()
        except IntegrityError:
            raise Invalid("slug", "deja_pris", valeur=slug) from None
        site_texts.keep(tx, actor, made, {"notice": "", "charte": "", **values})
        tx.record(_entry(actor, "creation_site", made, {"slug": slug}))
        tx.tell(made, CONFIG)
        return int(made)


def edit(fleet: Fleet, actor: Actor, site_id: int, fields: Mapping[str, Any]) -> list[ClosedBooking]:
    """Change nom, zone, horaires, exceptions, politique (some of its rules), notice or charte.

    New hours cut the sessions that would run past them, and leave bookings outside: gives those, each with a line
    in the trail if it was not outside before. Raises Invalid with the field and its rule.
    """
    fleet.require(actor, ADMINISTRATEUR, "modification_site", site=site_id)
    fleet.require_site(actor, site_id, "modification_site")
    with fleet.attempt(actor, "modification_site") as (tx, about):
        about.site_id = site_id
        row = tx.execute(select(site).where(site.c.id == site_id).with_for_update(key_share=True)).first()
        if row is None:
            raise NotFound("site")
        changed = _changed(row, fields)
        if not changed:
            return closed_bookings.look(tx, site_id)
        stamps = {"updated_at": tx.now, "version": site.c.version + 1, "config_rev": site.c.config_rev + 1}
        tx.execute(update(site).where(site.c.id == site_id).values(**changed, **stamps))
        site_texts.keep(tx, actor, site_id, changed)
        tx.record(_entry(actor, "modification_site", site_id, {"champs": sorted(changed)}))
        tx.tell(site_id, CONFIG)
        told = dict.fromkeys(_with_sessions(tx, site_id), "politique") if "politique" in changed else {}
        if {"zone", "horaires", "exceptions"} & set(changed):
            told |= dict.fromkeys(_cap_running(tx, actor, row, changed), "fermeture")
        if told:
            bulk.bump(tx, sorted(told.items()))
            tx.tell(site_id, DESIRED)
        return _leave_bookings(tx, actor, row)


def _leave_bookings(tx: Transaction, actor: Actor, before: Row[Any]) -> list[ClosedBooking]:
    """Those that the site's hours of now leave outside; a line in the trail for each that those of before did not."""
    closed = closed_bookings.look(tx, before.id)
    hours = opening_hours.from_json(before.zone, before.horaires, before.exceptions)
    for one in closed:
        if is_open_for(hours, one.debut, one.fin):
            facts = {"reservation": one.id, "poste": one.poste, "motif": "reservation_ferme"}
            tx.record(_entry(actor, "reservation_hors_horaires", before.id, facts))
    if closed:
        tx.tell(before.id, PROMISES)
    return closed


def _with_sessions(tx: Transaction, site_id: int) -> list[int]:
    """The postes of a site that have a session: what its rules say of it may be another thing now."""
    wanted = select(session.c.poste_id).where(
        session.c.site_id == site_id, session.c.statut.in_(rules.ON_POSTE), session.c.poste_id.is_not(None)
    )
    return list(tx.execute(wanted).scalars())


def _changed(row: Row[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    values = _cleaned(fields, policy.from_json(row.politique), row._asdict())
    changed = {key: value for key, value in values.items() if getattr(row, key) != value}
    for text in ("notice", "charte"):
        if text in changed:
            changed[f"{text}_version"] = getattr(row, f"{text}_version") + 1
    return changed


def _cleaned(fields: Mapping[str, Any], current: policy.Policy, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that these fields mean. Raises Invalid."""
    values = {key: fields[key] for key in ("zone", "horaires", "exceptions") if key in fields}
    merged = {**stored, **values}
    opening_hours.from_json(merged["zone"], merged["horaires"], merged["exceptions"])
    if "nom" in fields:
        values["nom"] = name("nom", fields["nom"])
    if "champs" in fields:
        values["champs"] = optional_fields.justified(fields["champs"])
    if "politique" in fields:
        values["politique"] = policy.to_json(policy.changed(current, fields["politique"]))
    for text in ("notice", "charte"):
        if text in fields:
            values[text] = _text(text, fields[text])
    return values


def _text(field: str, typed: str) -> str:
    if len(typed) > LONGEST_TEXT or "\x00" in typed:
        raise Invalid(field, "valeur_invalide", regle=f"au plus {LONGEST_TEXT} caractères")
    return typed


def _cap_running(tx: Transaction, actor: Actor, row: Row[Any], changed: Mapping[str, Any]) -> list[int]:
    """Cut what runs past the new closing time. Gives the postes that must be told."""
    merged = {**row._asdict(), **changed}
    hours = opening_hours.from_json(merged["zone"], merged["horaires"], merged["exceptions"])
    closing = _closing(hours, tx.now)
    if closing is None:
        return []
    running = sessions.found().where(session.c.site_id == row.id, session.c.statut == rules.ACTIVE)
    found = tx.execute(sessions.lock(running.order_by(session.c.id))).all()
    capped = [_cap(tx, actor, sessions.to_found(row).session, closing) for row in found]
    return [poste_id for poste_id in capped if poste_id is not None]


def _closing(hours: OpeningHours, now: datetime) -> datetime | None:
    """When what runs now must stop: at closing time, at once if it is closed already."""
    return hours.closing(now) if hours.is_open(now) else now


def _cap(tx: Transaction, actor: Actor, before: rules.Session, closing: datetime) -> int | None:
    after, taken = rules.cap(before, tx.now, closing)
    if not taken:
        return None
    sessions.save(tx, before, after)
    sessions.give(tx, before.id, "retrait", -taken, motif="fermeture", operateur_id=actor.operateur_id)
    facts = {"secondes": -taken // 1000, "motif": "fermeture"}
    tx.record(
        Entry(
            "ajout_temps",
            before.site_id,
            operateur_id=actor.operateur_id,
            session_id=before.id,
            poste_id=before.poste_id,
            utilisateur_id=before.utilisateur_id,
            metadata=facts,
        )
    )
    return after.poste_id


def _seen() -> Select[Any]:
    count = select(func.count()).where(poste.c.site_id == site.c.id).scalar_subquery()
    return select(site, count.label("nombre_postes"))


def _view(row: Any, now: datetime) -> SiteView:
    hours = opening_hours.from_json(row.zone, row.horaires, row.exceptions)
    return SiteView(
        id=row.id,
        slug=row.slug,
        nom=row.nom,
        zone=row.zone,
        horaires=row.horaires,
        exceptions=row.exceptions,
        politique=policy.to_json(policy.from_json(row.politique)),
        champs=row.champs,
        notice=row.notice,
        notice_version=row.notice_version,
        charte=row.charte,
        charte_version=row.charte_version,
        ouvert=hours.is_open(now),
        fermeture=hours.closing(now),
        prochaine_ouverture=hours.next_opening(now),
        horaires_definis=hours.is_set,
        nombre_postes=row.nombre_postes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _entry(actor: Actor, action: str, site_id: int, facts: Mapping[str, Any]) -> Entry:
    return Entry(
        action,
        site_id,
        operateur_id=actor.operateur_id,
        metadata=facts,
        personal={"ip": actor.ip} if actor.ip else None,
    )
