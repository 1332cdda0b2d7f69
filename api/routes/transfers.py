"""A session goes on at another poste, or changes places with another one."""

from litestar import Router, post
from litestar.params import JSONBody

from api.after import session_after
from api.calls import Call
from api.parameters import PathId
from api.schemas import Body, Id, Ref
from fleet.usecases import transfers
from fleet.usecases.session_views import SessionView


class ToPoste(Body, frozen=True, kw_only=True):
    """The poste at which the session is to go on."""

    poste: Ref


class WithSession(Body, frozen=True, kw_only=True):
    """The session with which to change places."""

    session: Id


@post("/{session_id:int}/transfer", status_code=200, summary="Transférer sur un autre poste")
async def transfer(request: Call, session_id: PathId, data: JSONBody[ToPoste]) -> SessionView:
    """The session goes on at a poste that is there and free; the one that it leaves locks and is cleaned.

    No time is lost: what is left at this moment is what runs there.
    """
    names = request.shared.names
    return await session_after(
        request,
        session_id,
        lambda fleet, actor: transfers.transfer(fleet, actor, session_id, names.poste(data.poste)),
    )


@post("/{session_id:int}/swap", status_code=200, summary="Échanger deux postes")
async def swap(request: Call, session_id: PathId, data: JSONBody[WithSession]) -> SessionView:
    """Two sessions change places; both postes are cleaned in between, and both keep their time."""
    return await session_after(
        request, session_id, lambda fleet, actor: transfers.swap(fleet, actor, session_id, data.session)
    )


router = Router("/sessions", route_handlers=[transfer, swap], tags=["sessions"])
