"""Bookings of a poste: made, listed, given up, kept. The schema lets no two of one poste overlap on PostgreSQL; on
SQLite, which has one writer at a time, the insert itself looks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import bookings, listing, people, places
from fleet.database.engine import Transaction
from fleet.database.listing import Ids, Page
from fleet.database.news import PROMISES
from fleet.database.tables import booking, poste, site, utilisateur
from fleet.database.tables import operateur as operateur_table
from fleet.domain import booking as rules
from fleet.domain import opening_hours
from fleet.domain import utilisateur as person
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.domain.opening_hours import OpeningHours
from fleet.usecases import closed_bookings, desk, sessions
from fleet.usecases.fleet import About, Fleet


@dataclass(frozen=True)
class NewBooking:
    """A poste from an instant to another, for an utilisateur or for a name."""

    poste_id: int
    start: datetime
    end: datetime
    utilisateur_id: int | None = None
    nom: str = ""
    notes: str = ""


class BookingView(Struct, frozen=True, kw_only=True):
    """A promised poste. `nom` is forgotten once the booking is over.

    `hors_horaires`: it was made before the site's hours were changed, and the site will be closed then.
    """

    id: int
    site: str
    poste: str
    utilisateur: int | None
    utilisateur_nom: str | None
    nom: str
    debut: datetime
    fin: datetime
    statut: str
    hors_horaires: bool
    session: int | None
    operateur: str | None
    notes: str
    created_at: datetime
    updated_at: datetime
    version: int


class BookingList(Struct, frozen=True):
    """A page of bookings."""

    total: int
    limit: int
    offset: int
    resultats: list[BookingView]


@dataclass(frozen=True)
class BookingFilter:
    """Which bookings. None asks for nothing."""

    site_id: int | None = None
    poste_id: int | None = None
    statut: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_SORTS = {"debut": booking.c.debut, "id": booking.c.id}


def create(fleet: Fleet, actor: Actor, new: NewBooking) -> int:
    """Promise a poste. Raises Refused when it overlaps another promise, or the site is closed then."""
    fleet.require(actor, OPERATEUR, "reservation", poste=new.poste_id)
    with fleet.attempt(actor, "reservation") as (tx, about):
        row = places.poste(tx, new.poste_id)
        actor.require_site(row.site_id, "poste", row.id)
        about.site_id, about.poste_id, about.utilisateur_id = row.site_id, row.id, new.utilisateur_id
        _check(tx, new, places.site(tx, row.site_id))
        desk.check_poste(tx, actor, row.site_id, row.id)
        if new.utilisateur_id is not None and not people.locked(tx, new.utilisateur_id).consentement_rgpd:
            raise Refused("consentement_absent")
        made = _insert(tx, actor, new, row.site_id)
        facts = {"reservation": made, "debut": new.start.isoformat(), "fin": new.end.isoformat()}
        _tell(tx, about, actor, "reservation", facts)
        return made


def _check(tx: Transaction, new: NewBooking, place: places.Site) -> None:
    if not rules.SHORTEST <= new.end - new.start <= rules.LONGEST:
        raise Invalid("fin", "valeur_invalide", regle="de 5 minutes à 12 heures après le début")
    if not tx.now - rules.SHORTEST <= new.start <= tx.now + rules.FARTHEST:
        raise Invalid("debut", "valeur_invalide", regle="un instant à venir, dans les 90 jours")
    if len(new.nom) > 100:
        raise Invalid("nom", "valeur_invalide", regle="au plus 100 caractères")
    if new.utilisateur_id is None and not person.visible(new.nom):
        raise Invalid("nom", "champ_obligatoire", champ="nom")
    if not rules.is_open_for(place.hours, new.start, new.end):
        raise Refused("reservation_ferme")


def _insert(tx: Transaction, actor: Actor, new: NewBooking, site_id: int) -> int:
    places.lock(tx, new.poste_id)
    values = {
        "site_id": site_id,
        "poste_id": new.poste_id,
        "utilisateur_id": new.utilisateur_id,
        "operateur_id": actor.operateur_id,
        "nom": person.visible(new.nom),
        "debut": new.start,
        "fin": new.end,
        "notes": new.notes,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    other = booking.alias()
    overlaps = exists().where(
        other.c.poste_id == new.poste_id,
        other.c.statut == rules.PREVUE,
        other.c.debut < new.end,
        other.c.fin > new.start,
    )
    row = select(*(literal(value, booking.c[name].type) for name, value in values.items())).where(~overlaps)
    statement = insert(booking).from_select(list(values), row).returning(booking.c.id)
    try:
        made = tx.execute(statement).scalar_one_or_none()
    except IntegrityError as error:
        if "ex_reservation_poste" not in str(error.orig):
            raise
        made = None
    if made is None:
        raise Refused("reservation_chevauche")
    return int(made)


def cancel(fleet: Fleet, actor: Actor, booking_id: int) -> None:
    """The poste is promised no more; the name is forgotten. Raises Refused for one that is over."""
    fleet.require(actor, OPERATEUR, "annulation_reservation", reservation=booking_id)
    with fleet.attempt(actor, "annulation_reservation") as (tx, about):
        row = _open(tx, about, actor, booking_id)
        over = {"statut": rules.ANNULEE, "nom": "", "updated_at": tx.now, "version": booking.c.version + 1}
        tx.execute(update(booking).where(booking.c.id == row.id).values(**over))
        closed_bookings.look(tx, row.site_id)
        _tell(tx, about, actor, "annulation_reservation", {"reservation": row.id})


def serve(fleet: Fleet, actor: Actor, booking_id: int) -> sessions.Created:
    """The person is here: a session with its code, at the promised poste, until the end of the promise.

    Raises Refused with the rule that forbids the session; the promise then stands.
    """
    fleet.require(actor, OPERATEUR, "generation_code", reservation=booking_id)
    seen = one(fleet, actor, booking_id)

    def kept(tx: Transaction, made: int) -> None:
        row = tx.execute(select(booking).where(booking.c.id == booking_id).with_for_update()).one()
        if tx.now < row.debut - rules.NEAR:
            raise Refused("reservation_trop_tot")
        if not bookings.honour(tx, booking_id, made):
            raise Refused("reservation_passee")

    with fleet.database.read() as tx:
        row = tx.execute(select(booking).where(booking.c.id == booking_id)).one()
        seconds = int((row.fin - max(tx.now, row.debut)).total_seconds())
    if seconds < 60 or seen.statut != rules.PREVUE:
        raise Refused("reservation_passee")
    new = sessions.NewSession(row.site_id, seconds, row.poste_id, row.utilisateur_id)
    return sessions.create(fleet, actor, new, kept)


def _open(tx: Transaction, about: About, actor: Actor, booking_id: int) -> Any:
    row = tx.execute(select(booking).where(booking.c.id == booking_id).with_for_update()).first()
    if row is None:
        raise NotFound("reservation")
    actor.require_site(row.site_id, "reservation", row.id)
    about.site_id, about.poste_id, about.utilisateur_id = row.site_id, row.poste_id, row.utilisateur_id
    if row.statut != rules.PREVUE:
        raise Refused("reservation_passee")
    return row


def _seen() -> Select[Any]:
    return (
        select(
            booking,
            site.c.slug.label("site_slug"),
            site.c.zone,
            site.c.horaires,
            site.c.exceptions,
            poste.c.slug.label("poste_slug"),
            utilisateur.c.prenom.label("personne_prenom"),
            utilisateur.c.nom.label("personne_nom"),
            operateur_table.c.login,
        )
        .join_from(booking, site, booking.c.site_id == site.c.id)
        .join(poste, booking.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, booking.c.utilisateur_id == utilisateur.c.id)
        .outerjoin(operateur_table, booking.c.operateur_id == operateur_table.c.id)
    )


def search(fleet: Fleet, actor: Actor, which: BookingFilter, page: Page) -> BookingList:
    """A page of the bookings that the actor sees, in the order of their beginnings."""
    equal = {
        booking.c.site_id: which.site_id,
        booking.c.poste_id: which.poste_id,
        booking.c.statut: which.statut,
    }
    with fleet.database.read() as tx:
        ids = select(booking.c.id).where(listing.seen_by(tx, actor, booking.c.site_id))
        ids = ids.where(*(column == value for column, value in equal.items() if value is not None))
        if which.since is not None:
            ids = ids.where(booking.c.fin > which.since)
        if which.until is not None:
            ids = ids.where(booking.c.debut < which.until)
        found = listing.fetch_long(tx, _seen(), Ids(ids, ids), page, _SORTS, "debut")
    return BookingList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def one(fleet: Fleet, actor: Actor, booking_id: int) -> BookingView:
    """One booking. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        row = tx.execute(_seen().where(booking.c.id == booking_id)).first()
        if row is None:
            raise NotFound("reservation")
        actor.require_site(row.site_id, "reservation", booking_id)
    return _view(row)


def _hours(row: Any) -> OpeningHours:
    return opening_hours.from_json(row.zone, row.horaires, row.exceptions)


def _view(row: Any) -> BookingView:
    return BookingView(
        id=row.id,
        site=row.site_slug,
        poste=row.poste_slug,
        utilisateur=row.utilisateur_id,
        utilisateur_nom=f"{row.personne_prenom} {row.personne_nom}" if row.personne_nom else None,
        nom=row.nom,
        debut=row.debut,
        fin=row.fin,
        statut=row.statut,
        hors_horaires=row.statut == rules.PREVUE and not rules.is_open_for(_hours(row), row.debut, row.fin),
        session=row.session_id,
        operateur=row.login,
        notes=row.notes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _tell(tx: Transaction, about: About, actor: Actor, action: str, facts: dict[str, Any]) -> None:
    tx.record(desk.entry(action, about, actor, metadata=facts))
    tx.tell(about.site_id or 0, PROMISES)
