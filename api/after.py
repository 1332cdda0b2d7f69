"""What a change answers with: the thing as it is afterwards."""

from collections.abc import Callable

from api.calls import Call
from fleet.domain.actor import Actor
from fleet.usecases import session_views
from fleet.usecases.fleet import Fleet
from fleet.usecases.session_views import SessionView


async def session_after(
    request: Call, session_id: int, change: Callable[[Fleet, Actor], object]
) -> SessionView:
    """The session as it is after a change."""

    def changed(fleet: Fleet, actor: Actor) -> SessionView:
        change(fleet, actor)
        return session_views.one(fleet, actor, session_id)

    return await request.run(changed)
