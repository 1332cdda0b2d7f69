"""Members of the public."""

from datetime import UTC, datetime

from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.calls import Call
from api.parameters import PathId, Typed, When, Whether, Word, instant
from api.schemas import NewPersonBody, PersonBody
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import people_statistics, session_views, statistics, utilisateurs
from fleet.usecases.fleet import Fleet
from fleet.usecases.people_statistics import UtilisateurStats
from fleet.usecases.session_views import SessionFilter, SessionList
from fleet.usecases.utilisateurs import CanCreate, UtilisateurList, UtilisateurView


def _site(request: Call, site: str | None) -> int | None:
    return request.shared.names.asked_site(request.user, site)


@get("/", summary="Lister les utilisateurs")
async def search(
    request: Call,
    page: NamedDependency[Page],
    recherche: Typed = None,
    categorie: Word = None,
    consentement_rgpd: Whether = None,
    site: Word = None,
) -> UtilisateurList:
    """A page of people; "helene" finds "Hélène". `site` says by whose day and rules they are looked at."""
    return await request.run(
        lambda fleet, actor: utilisateurs.search(
            fleet,
            actor,
            page,
            typed=recherche,
            categorie=categorie,
            consent=consentement_rgpd,
            site_id=_site(request, site),
        )
    )


@get("/stats", summary="Compter les utilisateurs")
async def stats(
    request: Call, site: Word = None, depuis: When = None, jusqu_a: When = None
) -> UtilisateurStats:
    """Now, and of a period (today by default): who is new, who came, and their sessions by categorie."""
    names, zone = request.shared.names, request.shared.settings.zone

    def counted(fleet: Fleet, actor: Actor) -> UtilisateurStats:
        site_id = names.asked_site(actor, site)
        asked = statistics.period(datetime.now(UTC), zone, instant(depuis), instant(jusqu_a), site_id)
        return people_statistics.utilisateurs(fleet, actor, asked)

    return await request.run(counted)


@post("/", summary="Créer un utilisateur")
async def create(request: Call, data: JSONBody[NewPersonBody], site: Word = None) -> UtilisateurView:
    """A member of the public."""

    def made(fleet: Fleet, actor: Actor) -> UtilisateurView:
        site_id = _site(request, site)
        return utilisateurs.one(
            fleet, actor, utilisateurs.create(fleet, actor, data.given(), site_id), site_id
        )

    return await request.run(made)


@get("/{utilisateur_id:int}", summary="Lire un utilisateur")
async def read(request: Call, utilisateur_id: PathId, site: Word = None) -> UtilisateurView:
    """One member of the public."""
    return await request.run(
        lambda fleet, actor: utilisateurs.one(fleet, actor, utilisateur_id, _site(request, site))
    )


@put("/{utilisateur_id:int}", summary="Modifier un utilisateur")
async def edit(
    request: Call, utilisateur_id: PathId, data: JSONBody[PersonBody], site: Word = None
) -> UtilisateurView:
    """What is absent stays as it is."""

    def changed(fleet: Fleet, actor: Actor) -> UtilisateurView:
        site_id = _site(request, site)
        utilisateurs.edit(fleet, actor, utilisateur_id, data.given(), site_id)
        return utilisateurs.one(fleet, actor, utilisateur_id, site_id)

    return await request.run(changed)


@delete("/{utilisateur_id:int}", summary="Supprimer un utilisateur")
async def remove(request: Call, utilisateur_id: PathId) -> None:
    """Delete somebody who never had a session."""
    await request.run(lambda fleet, actor: utilisateurs.remove(fleet, actor, utilisateur_id))


@get("/{utilisateur_id:int}/sessions", summary="Sessions d'un utilisateur")
async def sessions(
    request: Call, utilisateur_id: PathId, page: NamedDependency[Page], site: Word = None
) -> SessionList:
    """The sessions of one person, the newest first."""

    def wanted(fleet: Fleet, actor: Actor) -> SessionList:
        which = SessionFilter(utilisateur_id=utilisateur_id, site_id=_site(request, site))
        found = session_views.search(fleet, actor, which, page)
        if not found.total:
            utilisateurs.one(fleet, actor, utilisateur_id)
        return found

    return await request.run(wanted)


@get("/{utilisateur_id:int}/can_create_session", summary="Peut-on lui créer une session ?")
async def can_create_session(request: Call, utilisateur_id: PathId, site: Word = None) -> CanCreate:
    """Yes, or the rule that says no."""
    return await request.run(
        lambda fleet, actor: utilisateurs.can_create(fleet, actor, utilisateur_id, _site(request, site))
    )


@post("/{utilisateur_id:int}/revoke_consent", status_code=200, summary="Retirer son consentement")
async def revoke_consent(request: Call, utilisateur_id: PathId) -> UtilisateurView:
    """No new session from now on."""

    def revoked(fleet: Fleet, actor: Actor) -> UtilisateurView:
        utilisateurs.revoke_consent(fleet, actor, utilisateur_id)
        return utilisateurs.one(fleet, actor, utilisateur_id)

    return await request.run(revoked)


@post("/{utilisateur_id:int}/renew_consent", status_code=200, summary="Renouveler son consentement")
async def renew_consent(request: Call, utilisateur_id: PathId, site: Word = None) -> UtilisateurView:
    """Who agreed to an earlier notice agrees to the one of today."""

    def renewed(fleet: Fleet, actor: Actor) -> UtilisateurView:
        site_id = _site(request, site)
        utilisateurs.renew_consent(fleet, actor, utilisateur_id, site_id)
        return utilisateurs.one(fleet, actor, utilisateur_id, site_id)

    return await request.run(renewed)


router = Router(
    "/utilisateurs",
    route_handlers=[
        search, stats, create, read, edit, remove, sessions, can_create_session, revoke_consent,
        renew_consent,
    ],
    tags=["utilisateurs"],
)  # fmt: skip
