"""What a judge or the police ask for: one administrateur asks, another approves."""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from api import uploads
from api.answers import CLASHES
from api.calls import Call
from api.parameters import PathId, Word, instant
from api.schemas import Body, Id, Instant, Ref
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import requisition_file, requisitions
from fleet.usecases.fleet import Fleet
from fleet.usecases.requisitions import LONGEST_REFERENCE, NewRequisition, RequisitionList, RequisitionView

_PRIVATE = {"Cache-Control": "no-store, private", **uploads.HARMLESS}


class NewRequisitionBody(Body, frozen=True, kw_only=True):
    """A period of 31 days at most, of one site or of all, of one poste or one person or of all."""

    reference: Annotated[
        str, Meta(min_length=1, max_length=LONGEST_REFERENCE, examples=["réquisition du 20 novembre 2026"])
    ]
    depuis: Instant
    jusqu_a: Instant
    site: Ref | None = None
    poste: Ref | None = None
    utilisateur: Id | None = None


@post("/", summary="Demander une remise sur réquisition")
async def create(request: Call, data: JSONBody[NewRequisitionBody]) -> RequisitionView:
    """Another administrateur has to approve it within 72 hours."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> RequisitionView:
        since, until = instant(data.depuis), instant(data.jusqu_a)
        assert since is not None
        assert until is not None
        new = NewRequisition(
            data.reference,
            since,
            until,
            None if data.site is None else names.site(data.site),
            None if data.poste is None else names.poste(data.poste),
            data.utilisateur,
        )
        return requisitions.one(fleet, actor, requisitions.ask(fleet, actor, new))

    return await request.run(made)


@get("/", summary="Lister les réquisitions")
async def search(request: Call, page: NamedDependency[Page], statut: Word = None) -> RequisitionList:
    """A page of requests, the newest first."""
    return await request.run(lambda fleet, actor: requisitions.search(fleet, actor, statut, page))


@get("/{requisition_id:int}", summary="Lire une réquisition")
async def read(request: Call, requisition_id: PathId) -> RequisitionView:
    """One request, and what became of it."""
    return await request.run(lambda fleet, actor: requisitions.one(fleet, actor, requisition_id))


@post("/{requisition_id:int}/approve", status_code=200, summary="Approuver une réquisition")
async def approve(request: Call, requisition_id: PathId) -> RequisitionView:
    """By another administrateur than the one who asked."""

    def approved(fleet: Fleet, actor: Actor) -> RequisitionView:
        requisitions.approve(fleet, actor, requisition_id)
        return requisitions.one(fleet, actor, requisition_id)

    return await request.run(approved)


@post("/{requisition_id:int}/refuse", status_code=200, summary="Refuser une réquisition")
async def refuse(request: Call, requisition_id: PathId) -> RequisitionView:
    """Or withdraw one's own."""

    def refused(fleet: Fleet, actor: Actor) -> RequisitionView:
        requisitions.refuse(fleet, actor, requisition_id)
        return requisitions.one(fleet, actor, requisition_id)

    return await request.run(refused)


@get(
    "/{requisition_id:int}/export",
    media_type="application/zip",
    opt={CLASHES: True},
    summary="Prendre le fichier d’une réquisition",
)
async def export(request: Call, requisition_id: PathId) -> Response[bytes]:
    """For who asked and who approved, as long as it is good; each time is in the audit trail. Nothing is stored."""
    content = await request.run(lambda fleet, actor: requisition_file.taken(fleet, actor, requisition_id))
    named = {"Content-Disposition": f'attachment; filename="requisition-{requisition_id}.zip"'}
    return Response(content, media_type="application/zip", headers=_PRIVATE | named)


router = Router(
    "/requisitions", route_handlers=[create, search, read, approve, refuse, export], tags=["requisitions"]
)
