"""The story of a session."""

from litestar import Router, get

from api.calls import Call
from api.parameters import PathId
from fleet.usecases import timelines
from fleet.usecases.timelines import Timeline


@get("/{session_id:int}/timeline", summary="Histoire d'une session")
async def timeline(request: Call, session_id: PathId) -> Timeline:
    """Who did what, when and why, in plain French, in the order in which it happened."""
    return await request.run(lambda fleet, actor: timelines.of_session(fleet, actor, session_id))


router = Router("/sessions", route_handlers=[timeline], tags=["sessions"])
