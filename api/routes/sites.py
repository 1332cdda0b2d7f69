"""Sites and their rules."""

from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.calls import Call
from api.schemas import NewSiteBody, SiteEdit
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.sites import EditedSite, SiteList, SiteView


@get("/", summary="Lister les sites")
async def search(request: Call, page: NamedDependency[Page]) -> SiteList:
    """The operator's sites."""
    return await request.run(lambda fleet, actor: sites.search(fleet, actor, page))


@post("/", summary="Créer un site")
async def create(request: Call, data: JSONBody[NewSiteBody]) -> SiteView:
    """A site. Hours that are not set mean open."""

    def made(fleet: Fleet, actor: Actor) -> SiteView:
        fields = data.given()
        return sites.one(fleet, actor, sites.create(fleet, actor, fields.pop("slug"), fields))

    return await request.run(made)


@get("/{site:str}", summary="Lire un site")
async def read(request: Call, site: FromPath[str]) -> SiteView:
    """One site, by slug or id."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: sites.one(fleet, actor, names.site(site)))


@put("/{site:str}", summary="Modifier un site")
async def edit(request: Call, site: FromPath[str], data: JSONBody[SiteEdit]) -> EditedSite:
    """Name, hours, rules, notice, charter. New hours cut the sessions that would run past them.

    Bookings that new hours leave outside stay, so that the desk can tell their people: they are in the answer, their
    `hors_horaires` is true, the trail has a line for each, and an alert lasts until they are given up or the hours
    have them again.
    """
    names = request.shared.names
    fields = data.given()
    return await request.run(lambda fleet, actor: sites.edited(fleet, actor, names.site(site), fields))


router = Router("/sites", route_handlers=[search, create, read, edit], tags=["sites"])
