"""Where the audit trail is: what is noted elsewhere shows later that nothing before it was rewritten."""

from litestar import Router, get

from api.calls import Call
from fleet.usecases import anchors
from fleet.usecases.anchors import AnchorList


@get("/", summary="Lister les ancres du journal")
async def search(request: Call) -> AnchorList:
    """One for each site and one for the deployment, with what is archived and purged of it."""
    return await request.run(anchors.every)


router = Router("/ancres", route_handlers=[search], tags=["logs"])
