"""One act on many postes or sessions, each with its own outcome."""

from collections.abc import Callable
from typing import Annotated, Literal

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Meta

from api.calls import Call
from api.names import Names
from api.schemas import Body, Delta, Id, Ref
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid
from fleet.usecases import commands, many, postes, sessions
from fleet.usecases.commands import NewCommand
from fleet.usecases.fleet import Fleet
from fleet.usecases.many import MOST, Outcomes

Many = Meta(min_length=1, max_length=MOST)
PosteAction = Literal[
    "disponible", "maintenance", "hors_ligne", "message", "identify", "lock", "reboot", "shutdown", "clean", "resync",
    "wake",
]  # fmt: skip


class ManyPostes(Body, frozen=True, kw_only=True):
    """`texte` for a message, nothing for the others."""

    action: PosteAction
    postes: Annotated[list[Ref], Many]
    texte: Annotated[str, Meta(max_length=500)] | None = None


class ManySessions(Body, frozen=True, kw_only=True):
    """`seconds` for add_time, nothing for the others."""

    action: Literal["terminate", "suspend", "resume", "add_time"]
    sessions: Annotated[list[Id], Many]
    seconds: Delta | None = None


@post("/postes/bulk", status_code=200, summary="Agir sur plusieurs postes", tags=["postes"])
async def many_postes(request: Call, data: JSONBody[ManyPostes]) -> Outcomes:
    """available, maintenance, out of service, or an order; a poste that refuses stops none of the others."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: many.each(data.postes, _on_poste(fleet, actor, names, data))
    )


def _on_poste(fleet: Fleet, actor: Actor, names: Names, data: ManyPostes) -> Callable[[str | int], object]:
    if data.action in ("disponible", "maintenance", "hors_ligne"):
        return lambda poste: postes.set_statut(fleet, actor, names.poste(poste), data.action)
    args = {} if data.texte is None else {"text": data.texte}
    commands.check(NewCommand(0, data.action, args))
    return lambda poste: commands.send(fleet, actor, NewCommand(names.poste(poste), data.action, args))


@post("/sessions/bulk", status_code=200, summary="Agir sur plusieurs sessions", tags=["sessions"])
async def many_sessions(request: Call, data: JSONBody[ManySessions]) -> Outcomes:
    """End, pause, resume, or add time; a session that refuses stops none of the others."""
    return await request.run(lambda fleet, actor: many.each(data.sessions, _on_session(fleet, actor, data)))


def _on_session(fleet: Fleet, actor: Actor, data: ManySessions) -> Callable[[int], object]:
    acts: dict[str, Callable[[Fleet, Actor, int], object]] = {
        "terminate": sessions.terminate,
        "suspend": sessions.suspend,
        "resume": sessions.resume,
    }
    if data.action in acts:
        return lambda number: acts[data.action](fleet, actor, number)
    if data.seconds is None:
        raise Invalid("seconds", "champ_obligatoire", champ="seconds")
    seconds = data.seconds
    return lambda number: sessions.add_time(fleet, actor, number, seconds)


router = Router("/", route_handlers=[many_postes, many_sessions])
