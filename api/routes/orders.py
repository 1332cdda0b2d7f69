"""Orders to postes that are away: what still waits for them."""

from litestar import Router, get
from litestar.di import NamedDependency

from api.calls import Call
from api.parameters import Word
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import orders
from fleet.usecases.fleet import Fleet
from fleet.usecases.orders import OrderList


@get("/", summary="Lister les commandes en attente")
async def search(
    request: Call, page: NamedDependency[Page], poste: Word = None, site: Word = None
) -> OrderList:
    """A page of the orders that wait until their poste is back, the oldest first. What was sent is no longer here."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> OrderList:
        site_id = names.asked_site(actor, site)
        return orders.waiting(fleet, actor, site_id, names.asked_poste(actor, poste), page)

    return await request.run(wanted)


router = Router("/commandes", route_handlers=[search], tags=["commandes"])
