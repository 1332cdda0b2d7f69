"""Certificates of what was erased."""

from litestar import Router, get
from litestar.di import NamedDependency

from api.calls import Call
from fleet.database.listing import Page
from fleet.usecases import personal_data
from fleet.usecases.personal_data import PurgeList


@get("/", summary="Lister les certificats de purge")
async def search(request: Call, page: NamedDependency[Page]) -> PurgeList:
    """What was erased, by which clock or by whom."""
    return await request.run(lambda fleet, actor: personal_data.certificates(fleet, actor, page))


router = Router("/purges", route_handlers=[search], tags=["purges"])
