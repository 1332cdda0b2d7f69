"""An ending is taken back."""

from litestar import Router, post

from api.calls import Call
from api.parameters import PathId
from fleet.domain import reasons
from fleet.domain.actor import Actor
from fleet.usecases import session_views, undo
from fleet.usecases.fleet import Fleet
from fleet.usecases.session_views import SessionView


class UndoneEnding(SessionView, frozen=True, kw_only=True):
    """The session, paused again. `poste_nettoye` null: the poste has not said yet whether it was wiped."""

    poste_nettoye: bool | None
    avertissement: str


@post("/{session_id:int}/undo", status_code=200, summary="Annuler une fin")
async def undo_ending(request: Call, session_id: PathId) -> UndoneEnding:
    """Within a minute: the session is paused at its poste with all that was left, to be resumed by its code or here.

    What the visitor had opened or saved on the poste is lost: an ending wipes it.
    """

    def undone(fleet: Fleet, actor: Actor) -> UndoneEnding:
        wiped = undo.undo(fleet, actor, session_id)
        view = session_views.one(fleet, actor, session_id)
        fields = {name: getattr(view, name) for name in view.__struct_fields__}
        return UndoneEnding(**fields, poste_nettoye=wiped, avertissement=reasons.sentence("fin_annulee"))

    return await request.run(undone)


router = Router("/sessions", route_handlers=[undo_ending], tags=["sessions"])
