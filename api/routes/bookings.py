"""Bookings of a poste."""

from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from api.calls import Call
from api.parameters import PathId, When, Word, instant
from api.routes.queue import ServedSession, with_code
from api.schemas import Body, Id, Instant, Notes, Ref
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid
from fleet.usecases import bookings
from fleet.usecases.bookings import BookingFilter, BookingList, BookingView, NewBooking
from fleet.usecases.fleet import Fleet

Statut = Annotated[Literal["prevue", "honoree", "annulee", "absente"] | None, QueryParameter()]


class BookingBody(Body, frozen=True, kw_only=True):
    """A poste from an instant to another, for an utilisateur or for a name."""

    poste: Ref
    debut: Instant
    fin: Instant
    utilisateur: Id | None = None
    nom: Annotated[str, Meta(max_length=100)] = ""
    notes: Notes = ""


@get("/", summary="Lister les réservations")
async def search(
    request: Call,
    page: NamedDependency[Page],
    site: Word = None,
    poste: Word = None,
    statut: Statut = None,
    depuis: When = None,
    jusqu_a: When = None,
) -> BookingList:
    """A page of bookings, in the order of their beginnings."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> BookingList:
        which = BookingFilter(
            names.asked_site(actor, site),
            names.asked_poste(actor, poste),
            statut,
            instant(depuis),
            instant(jusqu_a),
        )
        return bookings.search(fleet, actor, which, page)

    return await request.run(wanted)


@post("/", summary="Réserver un poste")
async def create(request: Call, data: JSONBody[BookingBody]) -> BookingView:
    """Refused when it overlaps another booking of the poste, or the site is closed then."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> BookingView:
        start, end = instant(data.debut), instant(data.fin)
        if start is None or end is None:
            raise Invalid("debut", "champ_obligatoire", champ="debut")
        poste_id = names.poste(data.poste)
        new = NewBooking(poste_id, start, end, data.utilisateur, data.nom, data.notes)
        return bookings.one(fleet, actor, bookings.create(fleet, actor, new))

    return await request.run(made)


@get("/{booking_id:int}", summary="Lire une réservation")
async def read(request: Call, booking_id: PathId) -> BookingView:
    """One booking."""
    return await request.run(lambda fleet, actor: bookings.one(fleet, actor, booking_id))


@post("/{booking_id:int}/cancel", status_code=200, summary="Annuler une réservation")
async def cancel(request: Call, booking_id: PathId) -> BookingView:
    """The poste is promised no more."""

    def cancelled(fleet: Fleet, actor: Actor) -> BookingView:
        bookings.cancel(fleet, actor, booking_id)
        return bookings.one(fleet, actor, booking_id)

    return await request.run(cancelled)


@post("/{booking_id:int}/serve", summary="Donner son code à la personne qui a réservé")
async def serve(request: Call, booking_id: PathId) -> ServedSession:
    """The person is here: a session with its code, at the booked poste, until the end of the booking."""
    return await request.run(
        lambda fleet, actor: with_code(fleet, actor, bookings.serve(fleet, actor, booking_id))
    )


router = Router("/reservations", route_handlers=[search, create, read, cancel, serve], tags=["réservations"])
