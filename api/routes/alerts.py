"""What a human should look at."""

from litestar import Router, get, post
from litestar.di import NamedDependency

from api.calls import Call
from api.parameters import PathId, Whether, Word, Words, listed
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import alerting
from fleet.usecases.alerting import AlertFilter, AlertList, AlertView
from fleet.usecases.fleet import Fleet


@get("/", summary="Lister les alertes")
async def search(
    request: Call,
    page: NamedDependency[Page],
    en_cours: Whether = None,
    acquittee: Whether = None,
    genre: Words = None,
    site: Word = None,
) -> AlertList:
    """All of them, or only those that last (or are over), that somebody looks after (or nobody), by kind and site."""
    names = request.shared.names

    def found(fleet: Fleet, actor: Actor) -> AlertList:
        which = AlertFilter(en_cours, acquittee, listed(genre), names.asked_site(actor, site))
        return alerting.search(fleet, actor, which, page)

    return await request.run(found)


@post("/{alert_id:int}/acquitter", status_code=200, summary="S'occuper d'une alerte")
async def acknowledge(request: Call, alert_id: PathId) -> AlertView:
    """Say that somebody looks after it."""
    return await request.run(lambda fleet, actor: alerting.acknowledge(fleet, actor, alert_id))


router = Router("/alertes", route_handlers=[search, acknowledge], tags=["alertes"])
