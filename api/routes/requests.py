"""Requests of visitors for more time: listed and answered."""

from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from api.calls import Call
from api.parameters import PathId, Word
from api.schemas import Body, Seconds
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import requests
from fleet.usecases.fleet import Fleet
from fleet.usecases.requests import RequestList, RequestView

Statut = Annotated[Literal["ouverte", "accordee", "refusee", "perimee"] | None, QueryParameter()]


class AcceptBody(Body, frozen=True, kw_only=True):
    """Null: what was asked."""

    secondes: Seconds | None = None


@get("/", summary="Lister les demandes de temps")
async def search(
    request: Call, page: NamedDependency[Page], statut: Statut = None, site: Word = None
) -> RequestList:
    """A page of requests, the oldest first."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: requests.search(fleet, actor, statut, names.asked_site(actor, site), page)
    )


@get("/{request_id:int}", summary="Lire une demande de temps")
async def read(request: Call, request_id: PathId) -> RequestView:
    """One request."""
    return await request.run(lambda fleet, actor: requests.one(fleet, actor, request_id))


@post("/{request_id:int}/accept", status_code=200, summary="Accorder du temps")
async def accept(request: Call, request_id: PathId, data: JSONBody[AcceptBody]) -> RequestView:
    """Yes, with the time that was asked or another; refused where closing time or a quota forbids it."""

    def accepted(fleet: Fleet, actor: Actor) -> RequestView:
        requests.accept(fleet, actor, request_id, data.secondes)
        return requests.one(fleet, actor, request_id)

    return await request.run(accepted)


@post("/{request_id:int}/refuse", status_code=200, summary="Refuser le temps demandé")
async def refuse(request: Call, request_id: PathId) -> RequestView:
    """No; the visitor reads so at the poste."""

    def refused(fleet: Fleet, actor: Actor) -> RequestView:
        requests.refuse(fleet, actor, request_id)
        return requests.one(fleet, actor, request_id)

    return await request.run(refused)


router = Router("/demandes", route_handlers=[search, read, accept, refuse], tags=["demandes"])
