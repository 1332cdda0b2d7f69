"""Programs that stand in for a poste: their credential, and their sign of life."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.auth import POSTE
from api.calls import Call
from api.schemas import Body, Id
from api.terms import ATOMIC
from fleet.domain.actor import Actor
from fleet.usecases import poste_credentials, stand_in
from fleet.usecases.fleet import Fleet
from fleet.usecases.poste_credentials import CredentialView
from fleet.usecases.stand_in import Beat, EtatVoulu

WEEK_S = 7 * 86_400


class PosteCredential(Struct, frozen=True):
    """The credential of a poste, told once: it goes into `Authorization: Bearer`."""

    poste: str
    cle: str


class HeartbeatBody(Body, frozen=True, kw_only=True):
    """What the poste does; nothing needs to be said. With all three, a start is confirmed."""

    rev: Annotated[int, Meta(ge=0, le=2**53 - 1, description="le rev appliqué")] | None = None
    session: Id | None = None
    temps_restant: Annotated[int, Meta(ge=0, le=WEEK_S, description="secondes")] | None = None


@get("/{poste:str}/credential", summary="Clé d'un poste : en a-t-il une ?")
async def read(request: Call, poste: FromPath[str]) -> CredentialView:
    """Since when, by whom, and when it was last used; 404 where there is none. Never the key itself."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: poste_credentials.one(fleet, actor, names.poste(poste)))


@post("/{poste:str}/credential", opt={ATOMIC: False}, summary="Donner une clé à un poste")
async def issue(request: Call, poste: FromPath[str]) -> Response[PosteCredential]:
    """For a program that stands in for the poste. Told once; one that it had before is over."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> PosteCredential:
        return PosteCredential(poste, poste_credentials.issue(fleet, actor, names.poste(poste)))

    return Response(await request.run(made), status_code=201, headers={"Cache-Control": "no-store"})


@delete("/{poste:str}/credential", summary="Retirer la clé d'un poste")
async def revoke(request: Call, poste: FromPath[str]) -> None:
    """The program that has it is shut out from now on."""
    names = request.shared.names
    await request.run(lambda fleet, actor: poste_credentials.revoke(fleet, actor, names.poste(poste)))


@post("/{poste:str}/heartbeat", status_code=200, opt={POSTE: True}, summary="Signe de vie d'un poste")
async def heartbeat(
    request: Call, poste: FromPath[str], data: JSONBody[HeartbeatBody | None] = None
) -> EtatVoulu:
    """By the poste's own credential; the answer is what it should do. It never counts as presence on MQTT."""
    names = request.shared.names
    beat = Beat() if data is None else Beat(data.rev, data.session, data.temps_restant)
    return await request.run(lambda fleet, actor: stand_in.heartbeat(fleet, actor, names.poste(poste), beat))


router = Router("/postes", route_handlers=[read, issue, revoke, heartbeat], tags=["postes"])
