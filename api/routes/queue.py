"""The queue for the next free poste."""

from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from api.calls import Call
from api.parameters import PathId, Word
from api.schemas import Body, Id, Ref, Seconds
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import queue, session_views, ticket_views
from fleet.usecases.fleet import Fleet
from fleet.usecases.queue import NewTicket
from fleet.usecases.session_views import SessionView
from fleet.usecases.sessions import Created
from fleet.usecases.ticket_views import TicketList, TicketView

Statut = Annotated[Literal["en_file", "appelee", "servie", "abandonnee", "absente"] | None, QueryParameter()]


class TicketBody(Body, frozen=True, kw_only=True):
    """An utilisateur, a first name, or neither: then the ticket's number is the name."""

    site: Ref
    duree: Seconds
    utilisateur: Id | None = None
    prenom: Annotated[str, Meta(max_length=100)] = ""


class ServedSession(SessionView, frozen=True, kw_only=True):
    """The session of who was called or had booked, with its code."""

    code_acces: str


@get("/", summary="Voir la file d'attente")
async def search(
    request: Call, page: NamedDependency[Page], site: Word = None, statut: Statut = None
) -> TicketList:
    """Who waits or was called, in their order, with how long it may take; with `statut`, the tickets in that state."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: ticket_views.search(
            fleet, actor, page, site_id=names.asked_site(actor, site), statut=statut
        )
    )


@post("/", summary="Entrer dans la file d'attente")
async def join(request: Call, data: JSONBody[TicketBody]) -> TicketView:
    """A ticket at the end of the queue; it is called as soon as a poste is free."""
    names = request.shared.names

    def joined(fleet: Fleet, actor: Actor) -> TicketView:
        new = NewTicket(names.site(data.site), data.duree, data.utilisateur, data.prenom)
        return ticket_views.one(fleet, actor, queue.join(fleet, actor, new))

    return await request.run(joined)


@get("/{ticket_id:int}", summary="Lire un ticket")
async def read(request: Call, ticket_id: PathId) -> TicketView:
    """One ticket, with its place and how long it may take."""
    return await request.run(lambda fleet, actor: ticket_views.one(fleet, actor, ticket_id))


@post("/{ticket_id:int}/give_up", status_code=200, summary="Quitter la file d'attente")
async def give_up(request: Call, ticket_id: PathId) -> TicketView:
    """Who waited does not any more; a poste that was held is free again."""

    def left(fleet: Fleet, actor: Actor) -> TicketView:
        queue.give_up(fleet, actor, ticket_id)
        return ticket_views.one(fleet, actor, ticket_id)

    return await request.run(left)


@post("/{ticket_id:int}/skip", status_code=200, summary="Laisser passer le suivant")
async def skip(request: Call, ticket_id: PathId) -> TicketView:
    """The next one goes first."""

    def skipped(fleet: Fleet, actor: Actor) -> TicketView:
        queue.skip(fleet, actor, ticket_id)
        return ticket_views.one(fleet, actor, ticket_id)

    return await request.run(skipped)


@post("/{ticket_id:int}/serve", summary="Donner son code à la personne appelée")
async def serve(request: Call, ticket_id: PathId) -> ServedSession:
    """Who was called is here: a session with its code, at the poste that is held."""

    def served(fleet: Fleet, actor: Actor) -> ServedSession:
        return with_code(fleet, actor, queue.serve(fleet, actor, ticket_id))

    return await request.run(served)


def with_code(fleet: Fleet, actor: Actor, made: Created) -> ServedSession:
    """What was just created, with its code."""
    view = session_views.one(fleet, actor, made.session_id)
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return ServedSession(**fields, code_acces=made.code)


router = Router("/attente", route_handlers=[search, join, read, give_up, skip, serve], tags=["attente"])
