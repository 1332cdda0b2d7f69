"""What a human should look at."""

from litestar import Router, get, post
from litestar.di import NamedDependency

from api.calls import Call
from api.parameters import PathId, Whether
from fleet.database.listing import Page
from fleet.usecases import alerting
from fleet.usecases.alerting import AlertList, AlertView


@get("/", summary="Lister les alertes")
async def search(request: Call, page: NamedDependency[Page], en_cours: Whether = None) -> AlertList:
    """All of them, or only those that last, or only those that are over."""
    return await request.run(lambda fleet, actor: alerting.search(fleet, actor, page, lasting=en_cours))


@post("/{alert_id:int}/acquitter", status_code=200, summary="S'occuper d'une alerte")
async def acknowledge(request: Call, alert_id: PathId) -> AlertView:
    """Say that somebody looks after it."""
    return await request.run(lambda fleet, actor: alerting.acknowledge(fleet, actor, alert_id))


router = Router("/alertes", route_handlers=[search, acknowledge], tags=["alertes"])
