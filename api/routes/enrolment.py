"""Machines that become postes: what the desk opens and withdraws, and what the machines ask."""

from datetime import datetime

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.auth import PUBLIC, address
from api.calls import Call
from api.settings import ForMachines
from api.terms import ATOMIC
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import enrolment, enrolment_requests, identities
from fleet.usecases.enrolment import EnrolmentView
from fleet.usecases.enrolment_requests import MachinesSeen
from fleet.usecases.fleet import Fleet
from fleet.usecases.identities import IdentityView
from protocol.enrolment import Enrol, Enrolled, Machine, Renew, command, fingerprint, first_certificate, label

_NOT_KEPT = {"Cache-Control": "no-store"}


class EnrolmentOpened(Struct, frozen=True, kw_only=True):
    """The token of an enrolment, told once, with what else the machine needs: the command to type there, and all of it
    in one line for a QR code. `empreinte_ca`: SHA-256 of the authority's certificate; none: the system's are believed.
    """

    poste: str
    jeton: str
    expire_a: datetime
    serveur: str
    empreinte_ca: str | None
    commande: str
    texte_qr: str


class Asked(Struct, frozen=True):
    """That a machine is on the list of those that ask, for so many hours."""

    statut: str
    heures: int


@get("/postes/{poste:str}/enrolement", summary="Enrôlement d'un poste : est-il ouvert ?")
async def read(request: Call, poste: FromPath[str]) -> EnrolmentView:
    """By whom and until when; 404 where none is open. Never the token itself."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: enrolment.current(fleet, actor, names.poste(poste)))


@post("/postes/{poste:str}/enrolement", opt={ATOMIC: False}, summary="Ouvrir l'enrôlement d'un poste")
async def open_(request: Call, poste: FromPath[str]) -> Response[EnrolmentOpened]:
    """A token for one machine, good once, for 15 minutes. Told once; one that was open is over."""
    names, told, server = request.shared.names, _for_machines(request), _server(request)

    def opened(fleet: Fleet, actor: Actor) -> EnrolmentOpened:
        made = enrolment.open_(fleet, actor, names.poste(poste))
        digest = fingerprint(told.authority) if told.authority else None
        return EnrolmentOpened(
            poste=made.poste,
            jeton=made.jeton,
            expire_a=made.expire_a,
            serveur=server,
            empreinte_ca=digest,
            commande=command(server, digest),
            texte_qr=label(server, digest, made.jeton),
        )

    return Response(await request.run(opened), status_code=201, headers=_NOT_KEPT)


@delete("/postes/{poste:str}/enrolement", summary="Retirer l'enrôlement d'un poste")
async def withdraw(request: Call, poste: FromPath[str]) -> None:
    """The token that is open opens nothing any more."""
    names = request.shared.names
    await request.run(lambda fleet, actor: enrolment.withdraw(fleet, actor, names.poste(poste)))


@get("/postes/{poste:str}/identite", summary="Machine d'un poste")
async def read_identity(request: Call, poste: FromPath[str]) -> IdentityView:
    """Which machine the poste is, since when, and whether it was revoked; 404 where none ever was."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: identities.known_by(fleet, actor, names.poste(poste)))


@delete("/postes/{poste:str}/identite", summary="Révoquer la machine d'un poste")
async def revoke(request: Call, poste: FromPath[str]) -> None:
    """It is cut from the broker within seconds, and its key is over. The poste stays, for another machine."""
    names = request.shared.names
    await request.run(lambda fleet, actor: identities.revoke(fleet, actor, names.poste(poste)))


@get("/enrolement/ca", opt={PUBLIC: True}, media_type="application/x-pem-file", summary="Autorité du serveur")
async def authority(request: Call) -> Response[str]:
    """Its certificate in PEM, for a machine that knows the fingerprint and checks it; 404 where there is none."""
    told = _for_machines(request)
    if told.authority is None:
        raise NotFound("autorite")
    return Response(first_certificate(told.authority), media_type="application/x-pem-file")


@post("/enrolement", status_code=200, opt={PUBLIC: True}, summary="Enrôler une machine")
async def enrol(request: Call, data: JSONBody[Enrol]) -> Response[Enrolled]:
    """By a token that was opened for a poste. What is refused is refused with one reason, whatever is wrong."""
    shared, told, ip = request.shared, _for_machines(request), address(request.scope)
    shared.limits.machine(ip)
    made = await shared.work.run(
        lambda: enrolment.enrol(shared.fleet, data.jeton, data.mot_de_passe, data.machine, ip)
    )
    answer = Enrolled(
        site=made.site,
        poste=made.poste,
        nom=made.nom,
        courtier=told.broker,
        racine=told.root,
        autorite=told.authority,
    )
    return Response(answer, headers=_NOT_KEPT)


@post(
    "/enrolement/renouvellement",
    status_code=204,
    opt={PUBLIC: True},
    summary="Changer le mot de passe d'un poste",
)
async def renew(request: Call, data: JSONBody[Renew]) -> None:
    """By the poste itself, which proves the one that it has. Its connection with that one is cut then."""
    shared, ip = request.shared, address(request.scope)
    shared.limits.machine(ip)
    await shared.work.run(
        lambda: identities.renew(shared.fleet, data.poste, data.mot_de_passe, data.nouveau, ip)
    )


@post("/enrolement/demandes", status_code=202, opt={PUBLIC: True}, summary="Demander à être enrôlé")
async def ask(request: Call, data: JSONBody[Machine]) -> Asked:
    """A machine without a token asks to be seen. It joins nothing by that."""
    shared, ip = request.shared, address(request.scope)
    shared.limits.machine(ip)
    await shared.work.run(lambda: enrolment_requests.ask(shared.fleet, data, ip))
    return Asked("a_enroler", enrolment_requests.HOURS)


@get("/enrolement/demandes", summary="Machines à enrôler")
async def search(request: Call, page: NamedDependency[Page]) -> MachinesSeen:
    """Machines that asked in the last 24 hours, the last one first; 200 at most."""
    return await request.run(lambda fleet, actor: enrolment_requests.search(fleet, actor, page))


def _for_machines(request: Call) -> ForMachines:
    told = request.shared.settings.machines
    if told is None:
        raise Refused("enrolement_non_prevu")
    return told


def _server(request: Call) -> str:
    """What machines call this server: its public name, else as whoever asks has called it."""
    url = request.url
    return request.shared.settings.public_origin or f"{url.scheme}://{url.netloc}"


router = Router(
    "/",
    route_handlers=[
        read, open_, withdraw, read_identity, revoke, authority, enrol, renew, ask, search,
    ],
    tags=["enrolement"],
)  # fmt: skip
