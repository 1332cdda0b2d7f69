"""How the deployment itself is."""

from litestar import Router, get

from api.calls import Call
from fleet.usecases import system
from fleet.usecases.system import SystemView


@get("/", summary="Lire l'état du système")
async def read(request: Call) -> SystemView:
    """Controllers, leases, what waits, versions, alerts and jobs."""
    return await request.run(system.state)


router = Router("/system", route_handlers=[read], tags=["system"])
