"""Postes: listed, created, edited, what is wanted of them, and orders to them."""

from collections.abc import Callable
from datetime import UTC, datetime

from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.calls import Call
from api.parameters import Typed, When, Whether, Word, Words, instant, listed
from api.schemas import CommandBody, CommandSent, NewPosteBody, PosteEdit, Statut
from fleet.database.listing import Page
from fleet.domain import poste as rules
from fleet.domain.actor import Actor
from fleet.usecases import commands, people_statistics, poste_views, postes, session_views, statistics
from fleet.usecases.commands import NewCommand
from fleet.usecases.fleet import Fleet
from fleet.usecases.people_statistics import PosteStats
from fleet.usecases.poste_views import PosteDetail, PosteFilter, PosteList, PosteView
from fleet.usecases.postes import NewPoste
from fleet.usecases.session_views import SessionView


async def _after(request: Call, poste: str, change: Callable[[Fleet, Actor, int], object]) -> PosteView:
    """The poste as it is after a change."""
    names = request.shared.names

    def changed(fleet: Fleet, actor: Actor) -> PosteView:
        poste_id = names.poste(poste)
        change(fleet, actor, poste_id)
        return poste_views.one(fleet, actor, poste_id)

    return await request.run(changed)


@get("/", summary="Lister les postes")
async def search(
    request: Call,
    page: NamedDependency[Page],
    statut: Words = None,
    site: Word = None,
    en_ligne: Whether = None,
    recherche: Typed = None,
) -> PosteList:
    """A page of postes, by name."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> PosteList:
        site_id = names.asked_site(actor, site)
        which = PosteFilter(listed(statut), site_id, en_ligne, search=recherche)
        return poste_views.search(fleet, actor, which, page)

    return await request.run(wanted)


@get("/disponibles", summary="Lister les postes disponibles")
async def available(request: Call, page: NamedDependency[Page], site: Word = None) -> PosteList:
    """The postes that a visitor can take now: free, in service, and there."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> PosteList:
        which = PosteFilter(site_id=names.asked_site(actor, site), available=True)
        return poste_views.search(fleet, actor, which, page)

    return await request.run(wanted)


@get("/stats", summary="Compter les postes")
async def stats(request: Call, site: Word = None, depuis: When = None, jusqu_a: When = None) -> PosteStats:
    """How many postes are in which statut now, and how they were used in a period (today by default)."""
    names, zone = request.shared.names, request.shared.settings.zone

    def counted(fleet: Fleet, actor: Actor) -> PosteStats:
        site_id = names.asked_site(actor, site)
        asked = statistics.period(datetime.now(UTC), zone, instant(depuis), instant(jusqu_a), site_id)
        return people_statistics.postes(fleet, actor, asked)

    return await request.run(counted)


@post("/", summary="Créer un poste")
async def create(request: Call, data: JSONBody[NewPosteBody]) -> PosteView:
    """A poste of a site. Its slug is never given again, even after a deletion."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> PosteView:
        fields = data.given() | {"site_id": names.site(data.site)}
        fields.pop("site")
        return poste_views.one(fleet, actor, postes.create(fleet, actor, NewPoste(**fields)))

    return await request.run(made)


@get("/{poste:str}", summary="Lire un poste")
async def read(request: Call, poste: FromPath[str]) -> PosteDetail:
    """One poste, by slug or id, with what its machine told of itself."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: poste_views.detail(fleet, actor, names.poste(poste)))


@put("/{poste:str}", summary="Modifier un poste")
async def edit(request: Call, poste: FromPath[str], data: JSONBody[PosteEdit]) -> PosteView:
    """What is known of a poste; its slug and site never change."""
    return await _after(
        request, poste, lambda fleet, actor, poste_id: postes.edit(fleet, actor, poste_id, data.given())
    )


@delete("/{poste:str}", summary="Supprimer un poste")
async def remove(request: Call, poste: FromPath[str]) -> None:
    """Delete a poste that never had a session."""
    names = request.shared.names
    await request.run(lambda fleet, actor: postes.remove(fleet, actor, names.poste(poste)))


@get("/{poste:str}/session_active", summary="Session en cours d'un poste")
async def session_active(request: Call, poste: FromPath[str]) -> SessionView:
    """The session that is active or paused at a poste; 404 when it is free."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: session_views.on_poste(fleet, actor, names.poste(poste)))


@put("/{poste:str}/status", summary="Choisir le statut voulu")
async def set_statut(request: Call, poste: FromPath[str], data: JSONBody[Statut]) -> PosteView:
    """disponible, maintenance or hors_ligne; what is only observed is refused."""
    return await _want(request, poste, data.statut)


@post("/{poste:str}/marquer_disponible", status_code=200, summary="Remettre en service")
async def mark_available(request: Call, poste: FromPath[str]) -> PosteView:
    """Visitors may use it again."""
    return await _want(request, poste, rules.DISPONIBLE)


@post("/{poste:str}/marquer_maintenance", status_code=200, summary="Mettre en maintenance")
async def mark_maintenance(request: Call, poste: FromPath[str]) -> PosteView:
    """No new session; a running one goes on to its end."""
    return await _want(request, poste, rules.MAINTENANCE)


@post("/{poste:str}/marquer_hors_ligne", status_code=200, summary="Mettre hors service")
async def mark_offline(request: Call, poste: FromPath[str]) -> PosteView:
    """Out of service until somebody says otherwise."""
    return await _want(request, poste, rules.HORS_LIGNE)


async def _want(request: Call, poste: str, statut: str) -> PosteView:
    return await _after(
        request, poste, lambda fleet, actor, poste_id: postes.set_statut(fleet, actor, poste_id, statut)
    )


@post("/{poste:str}/commands", status_code=202, summary="Envoyer une commande")
async def command(request: Call, poste: FromPath[str], data: JSONBody[CommandBody]) -> CommandSent:
    """message, identify, lock, reboot, shutdown, clean, resync or update, once, now, or when the poste is back;
    wake for one that is off. An order of now is refused when the poste is not there."""
    names = request.shared.names
    given = {"text": data.texte, "version": data.version, "sha256": data.sha256}
    args: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    args |= {"downgrade": True} if data.retrograder else {}

    def sent(fleet: Fleet, actor: Actor) -> CommandSent:
        when: commands.When = "back" if data.quand == "retour" else "now"
        made = commands.send(fleet, actor, NewCommand(names.poste(poste), data.op, args, when))
        return CommandSent(made.id, poste, data.op, made.waits)

    return await request.run(sent)


router = Router(
    "/postes",
    route_handlers=[
        search, available, stats, create, read, edit, remove, session_active, set_statut, mark_available,
        mark_maintenance, mark_offline, command,
    ],
    tags=["postes"],
)  # fmt: skip
