"""Orders to postes: what waits for those that are away, and what became of the others."""

from litestar import Router, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.calls import Call
from api.parameters import Word, Words, listed
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import commands, orders
from fleet.usecases.fleet import Fleet
from fleet.usecases.orders import OrderFilter, OrderList


@get("/", summary="Lister les commandes")
async def search(
    request: Call, page: NamedDependency[Page], poste: Word = None, site: Word = None, statut: Words = None
) -> OrderList:
    """A page of the orders that wait until their poste is back, the oldest first. With `statut`, those in these states:
    attend, a_envoyer, envoyee, faite, refusee, expiree, annulee."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> OrderList:
        where = names.asked_site(actor, site), names.asked_poste(actor, poste)
        which = OrderFilter(*where) if statut is None else OrderFilter(*where, listed(statut))
        return orders.search(fleet, actor, which, page)

    return await request.run(wanted)


@delete("/{order_id:str}", summary="Retirer une commande")
async def withdraw(request: Call, order_id: FromPath[str]) -> None:
    """Take back an order that waits for its poste; refused when it has left already."""
    await request.run(lambda fleet, actor: commands.withdraw(fleet, actor, order_id))


router = Router("/commandes", route_handlers=[search, withdraw], tags=["commandes"])
