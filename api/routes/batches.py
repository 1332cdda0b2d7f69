"""Batches of anonymous codes."""

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.calls import Call
from api.parameters import PathId, Word
from api.schemas import Body, Notes, Ref, Seconds
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import batches
from fleet.usecases.batches import LONGEST_LIFE_S, MOST, BatchCode, BatchList, BatchView, NewBatch
from fleet.usecases.fleet import Fleet


class NewBatchBody(Body, frozen=True, kw_only=True):
    """So many codes of one duration. `validite`: how long they can be used, in seconds; null: as the site says."""

    site: Ref
    nombre: Annotated[int, Meta(ge=1, le=MOST, examples=[12])]
    duree_initiale: Seconds
    validite: Annotated[int, Meta(ge=60, le=LONGEST_LIFE_S)] | None = None
    notes: Notes = ""


class CreatedBatch(BatchView, frozen=True, kw_only=True):
    """A new batch with its codes, to be printed."""

    codes: list[BatchCode]


class BatchCodes(Struct, frozen=True):
    """The codes of a batch that were not used yet. The audit trail says to whom they were told."""

    id: int
    codes: list[BatchCode]


@post("/", summary="Créer un lot de codes")
async def create(request: Call, data: JSONBody[NewBatchBody]) -> CreatedBatch:
    """Anonymous sessions that wait for their codes; quotas do not count them."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> CreatedBatch:
        new = NewBatch(names.site(data.site), data.nombre, data.duree_initiale, data.validite, data.notes)
        number, codes = batches.create(fleet, actor, new)
        view = batches.one(fleet, actor, number)
        fields = {name: getattr(view, name) for name in view.__struct_fields__}
        return CreatedBatch(**fields, codes=codes)

    return await request.run(made)


@get("/", summary="Lister les lots de codes")
async def search(request: Call, page: NamedDependency[Page], site: Word = None) -> BatchList:
    """A page of batches, the newest first."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: batches.search(fleet, actor, names.asked_site(actor, site), page)
    )


@get("/{batch_id:int}", summary="Lire un lot de codes")
async def read(request: Call, batch_id: PathId) -> BatchView:
    """One batch, and how many of its codes were used."""
    return await request.run(lambda fleet, actor: batches.one(fleet, actor, batch_id))


@post("/{batch_id:int}/reprint", status_code=200, summary="Redonner les codes d'un lot")
async def reprint(request: Call, batch_id: PathId) -> BatchCodes:
    """The codes that were not used yet, told again; audited."""
    return await request.run(lambda fleet, actor: BatchCodes(batch_id, batches.codes(fleet, actor, batch_id)))


@post("/{batch_id:int}/cancel", status_code=200, summary="Annuler un lot de codes")
async def cancel(request: Call, batch_id: PathId) -> BatchView:
    """Cancel what nobody began; sessions that run go on."""

    def cancelled(fleet: Fleet, actor: Actor) -> BatchView:
        batches.cancel(fleet, actor, batch_id)
        return batches.one(fleet, actor, batch_id)

    return await request.run(cancelled)


router = Router("/lots", route_handlers=[create, search, read, reprint, cancel], tags=["lots"])
