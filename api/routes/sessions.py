"""Sessions: created, started, extended, paused, ended, looked at."""

from datetime import UTC, datetime
from typing import Any

from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Struct

from api.after import session_after as _after
from api.auth import POSTE
from api.calls import Call
from api.parameters import Number, PathId, Typed, When, Word, Words, instant, listed
from api.schemas import AddTime, CodeAt, NewSessionBody, SessionEdit
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid
from fleet.domain.session import ON_POSTE
from fleet.usecases import codes, extensions, poste_views, session_views, sessions, statistics
from fleet.usecases.codes import CodeAnswer
from fleet.usecases.fleet import Fleet
from fleet.usecases.session_views import SessionFilter, SessionList, SessionView
from fleet.usecases.sessions import Edit, NewSession
from fleet.usecases.statistics import SessionStats


class CreatedSession(SessionView, frozen=True, kw_only=True):
    """A new session with its code: this is the only answer that has it, but for an audited reprint."""

    code_acces: str


class Code(Struct, frozen=True):
    """A code, told again. The audit trail says to whom."""

    id: int
    code_acces: str


class TimeLeft(Struct, frozen=True):
    """The time of a session, as of `maintenant`."""

    id: int
    statut: str
    temps_restant: int
    temps_ecoule: int
    duree_totale: int
    pourcentage_utilise: float
    est_expiree: bool
    en_grace: bool
    fin_prevue: datetime | None
    maintenant: datetime


@get("/", summary="Lister les sessions")
async def search(
    request: Call,
    page: NamedDependency[Page],
    statut: Words = None,
    site: Word = None,
    poste: Word = None,
    utilisateur: Number = None,
    operateur: Word = None,
    depuis: When = None,
    jusqu_a: When = None,
    recherche: Typed = None,
) -> SessionList:
    """A page of sessions, the newest first."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> SessionList:
        which = SessionFilter(
            statuts=listed(statut),
            site_id=names.asked_site(actor, site),
            poste_id=names.asked_poste(actor, poste),
            utilisateur_id=utilisateur,
            operateur_id=names.operateur(operateur) if operateur else None,
            since=instant(depuis),
            until=instant(jusqu_a),
            search=recherche,
        )
        return session_views.search(fleet, actor, which, page)

    return await request.run(wanted)


@get("/actives", summary="Lister les sessions en cours")
async def actives(request: Call, page: NamedDependency[Page], site: Word = None) -> SessionList:
    """The sessions that are active or paused."""
    names = request.shared.names

    def wanted(fleet: Fleet, actor: Actor) -> SessionList:
        which = SessionFilter(statuts=ON_POSTE, site_id=names.asked_site(actor, site))
        return session_views.search(fleet, actor, which, page)

    return await request.run(wanted)


@get("/stats", summary="Compter les sessions")
async def stats(request: Call, site: Word = None, depuis: When = None, jusqu_a: When = None) -> SessionStats:
    """Of a period (today by default): by day, hour, weekday, site, poste, categorie and end, in the site's own time."""
    names, zone = request.shared.names, request.shared.settings.zone

    def counted(fleet: Fleet, actor: Actor) -> SessionStats:
        site_id = names.asked_site(actor, site)
        asked = statistics.period(datetime.now(UTC), zone, instant(depuis), instant(jusqu_a), site_id)
        return statistics.sessions(fleet, actor, asked)

    return await request.run(counted)


@post("/", summary="Créer une session et son code")
async def create(request: Call, data: JSONBody[NewSessionBody]) -> CreatedSession:
    """A session that waits for its code to be typed. The answer has the code."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> CreatedSession:
        poste_id = names.poste(data.poste) if data.poste else None
        site_id = _site_of(request, fleet, actor, data.site, poste_id)
        new = NewSession(site_id, data.duree_initiale, poste_id, data.utilisateur, data.notes)
        created = sessions.create(fleet, actor, new)
        view = session_views.one(fleet, actor, created.session_id)
        return CreatedSession(**_fields(view), code_acces=created.code)

    return await request.run(made)


def _site_of(request: Call, fleet: Fleet, actor: Actor, site: str | int | None, poste_id: int | None) -> int:
    if site is not None:
        return request.shared.names.site(site)
    if poste_id is not None:
        return request.shared.names.site(poste_views.one(fleet, actor, poste_id).site)
    if actor.sites is not None and len(actor.sites) == 1:
        return next(iter(actor.sites))
    raise Invalid("site", "champ_obligatoire", champ="site")


def _fields(view: SessionView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.__struct_fields__}


@get("/{session_id:int}", summary="Lire une session")
async def read(request: Call, session_id: PathId) -> SessionView:
    """One session, its times as of now."""
    return await request.run(lambda fleet, actor: session_views.one(fleet, actor, session_id))


@put("/{session_id:int}", summary="Modifier une session")
async def edit(request: Call, session_id: PathId, data: JSONBody[SessionEdit]) -> SessionView:
    """Notes at any time; poste and duration while en_attente. The state of a session has its own endpoints."""
    names = request.shared.names

    def changed(fleet: Fleet, actor: Actor) -> None:
        poste = data.poste
        changes = Edit(
            notes=None if data.notes is UNSET else data.notes,
            duration_s=None if data.duree_initiale is UNSET else data.duree_initiale,
            poste_id=names.poste(poste) if isinstance(poste, str | int) else None,
            any_poste=poste is None,
        )
        sessions.edit(fleet, actor, session_id, changes)

    return await _after(request, session_id, changed)


@delete("/{session_id:int}", summary="Annuler une session en attente")
async def cancel(request: Call, session_id: PathId) -> None:
    """Cancel a session whose code was not used."""
    await request.run(lambda fleet, actor: sessions.cancel(fleet, actor, session_id))


@post("/{session_id:int}/start", status_code=200, summary="Démarrer à l'accueil")
async def start(request: Call, session_id: PathId) -> SessionView:
    """Start a session that names its poste, which must be there."""
    return await _after(request, session_id, lambda fleet, actor: sessions.start(fleet, actor, session_id))


@post("/{session_id:int}/add_time", status_code=200, summary="Ajouter ou retirer du temps")
async def add_time(request: Call, session_id: PathId, data: JSONBody[AddTime]) -> SessionView:
    """+15 minutes is 900 seconds; negative takes time away."""
    return await _after(
        request, session_id, lambda fleet, actor: sessions.add_time(fleet, actor, session_id, data.seconds)
    )


@post("/{session_id:int}/refuse_time", status_code=200, summary="Refuser le temps demandé")
async def refuse_time(request: Call, session_id: PathId) -> SessionView:
    """No to the visitor who asks for more time; `add_time` is the yes."""
    return await _after(request, session_id, lambda fleet, actor: extensions.refuse(fleet, actor, session_id))


@post("/{session_id:int}/terminate", status_code=200, summary="Terminer")
async def terminate(request: Call, session_id: PathId) -> SessionView:
    """End a session now, whatever is left of it."""
    return await _after(
        request, session_id, lambda fleet, actor: sessions.terminate(fleet, actor, session_id)
    )


@post("/{session_id:int}/suspend", status_code=200, summary="Mettre en pause")
async def suspend(request: Call, session_id: PathId) -> SessionView:
    """The poste locks and the time left is kept."""
    return await _after(request, session_id, lambda fleet, actor: sessions.suspend(fleet, actor, session_id))


@post("/{session_id:int}/resume", status_code=200, summary="Reprendre")
async def resume(request: Call, session_id: PathId) -> SessionView:
    """The time left runs again."""
    return await _after(request, session_id, lambda fleet, actor: sessions.resume(fleet, actor, session_id))


@post("/{session_id:int}/reprint", status_code=200, summary="Redonner le code")
async def reprint(request: Call, session_id: PathId) -> Code:
    """The code of a session that waits, told again; audited."""
    return await request.run(
        lambda fleet, actor: Code(session_id, sessions.reprint(fleet, actor, session_id))
    )


@get("/{session_id:int}/time_remaining", summary="Temps restant")
async def time_remaining(request: Call, session_id: PathId) -> TimeLeft:
    """The times of a session, computed from its deadline."""
    seen = await request.run(lambda fleet, actor: session_views.one(fleet, actor, session_id))
    return TimeLeft(
        seen.id,
        seen.statut,
        seen.temps_restant,
        seen.temps_ecoule,
        seen.duree_totale,
        seen.pourcentage_utilise,
        seen.est_expiree,
        seen.en_grace,
        seen.fin_prevue,
        seen.maintenant,
    )


@post("/validate_code", status_code=200, opt={POSTE: True}, summary="Ce code ouvrirait-il ce poste ?")
async def validate_code(request: Call, data: JSONBody[CodeAt]) -> CodeAnswer:
    """Asked with the poste's credential, or from its address. The code is not used; a wrong one counts as a try."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: codes.validate(fleet, actor, names.poste(data.poste), data.code)
    )


@post("/validate-code", status_code=200, opt={POSTE: True}, summary="Comme validate_code")
async def validate_code_too(request: Call, data: JSONBody[CodeAt]) -> CodeAnswer:
    """The other spelling of the same."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: codes.validate(fleet, actor, names.poste(data.poste), data.code)
    )


router = Router(
    "/sessions",
    route_handlers=[
        search, actives, stats, create, read, edit, cancel, start, add_time, refuse_time, terminate, suspend, resume,
        reprint, time_remaining, validate_code, validate_code_too,
    ],
    tags=["sessions"],
)  # fmt: skip
