"""The audit trail: read, never written, from here."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.params import JSONBody, QueryParameter

from api.calls import Call
from api.parameters import Limit, LogOffset, Needed, Number, PathId, Typed, When, Word, Words, instant, listed
from api.schemas import LogSearch
from fleet.domain.actor import Actor
from fleet.usecases import journal, log_statistics, statistics, trail_check
from fleet.usecases.fleet import Fleet
from fleet.usecases.journal import LogFilter, LogList, LogView
from fleet.usecases.log_statistics import LogStats
from fleet.usecases.trail_check import TrailCheck

After = Annotated[
    str | None, QueryParameter(max_length=40, description="la `suite` d’une réponse précédente")
]
Lines = Annotated[int, QueryParameter(ge=1, le=trail_check.MOST, description="lignes à vérifier au plus")]


@get("/", summary="Lire le journal")
async def search(
    request: Call,
    limit: Limit = 50,
    offset: LogOffset = 0,
    site: Word = None,
    action: Words = None,
    session: Number = None,
    poste: Word = None,
    utilisateur: Number = None,
    operateur: Word = None,
    depuis: When = None,
    jusqu_a: When = None,
    avant: Number = None,
    apres: Number = None,
    recherche: Typed = None,
) -> LogList:
    """Newest first. `suivant` given as `avant` is the next page, whatever is written meanwhile."""
    asked = LogSearch(
        site=site,
        actions=list(listed(action)),
        session=session,
        poste=poste,
        utilisateur=utilisateur,
        operateur=operateur,
        depuis=depuis,
        jusqu_a=jusqu_a,
        avant=avant,
        apres=apres,
        recherche=recherche,
        limit=limit,
        offset=offset,
    )
    return await _found(request, asked)


@post("/search", status_code=200, summary="Chercher dans le journal")
async def find(request: Call, data: JSONBody[LogSearch]) -> LogList:
    """As the list, with its filters in a body."""
    return await _found(request, data)


async def _found(request: Call, asked: LogSearch) -> LogList:
    return await request.run(
        lambda fleet, actor: journal.search(fleet, actor, which(request, asked), asked.limit, asked.offset)
    )


def which(request: Call, asked: LogSearch) -> LogFilter:
    """What is asked for, by the ids of what it names."""
    names = request.shared.names
    return LogFilter(
        site_id=names.asked_site(request.user, asked.site),
        actions=asked.actions,
        session_id=asked.session,
        poste_id=names.asked_poste(request.user, asked.poste),
        utilisateur_id=asked.utilisateur,
        operateur_id=names.operateur(asked.operateur) if asked.operateur else None,
        since=instant(asked.depuis),
        until=instant(asked.jusqu_a),
        before=asked.avant,
        after=asked.apres,
        search=asked.recherche,
    )


@get("/recent", summary="Dernières lignes du journal")
async def recent(request: Call, limit: Limit = 20) -> LogList:
    """The last lines."""
    return await request.run(lambda fleet, actor: journal.search(fleet, actor, LogFilter(), limit))


@get("/errors", summary="Erreurs et refus")
async def errors(request: Call, limit: Limit = 50, offset: LogOffset = 0, avant: Number = None) -> LogList:
    """Faults, and what the rules refused."""
    which = LogFilter(actions=journal.ERRORS, before=avant)
    return await request.run(lambda fleet, actor: journal.search(fleet, actor, which, limit, offset))


@get("/by_session", summary="Journal d'une session")
async def by_session(request: Call, session: Needed, limit: Limit = 200, offset: LogOffset = 0) -> LogList:
    """All that happened to one session."""
    which = LogFilter(session_id=session)
    return await request.run(lambda fleet, actor: journal.search(fleet, actor, which, limit, offset))


@get("/stats", summary="Compter les lignes du journal")
async def stats(request: Call, site: Word = None, depuis: When = None, jusqu_a: When = None) -> LogStats:
    """Of a period (the last week by default): by action, day, site and operator, and what was refused."""
    names, zone = request.shared.names, request.shared.settings.zone

    def counted(fleet: Fleet, actor: Actor) -> LogStats:
        site_id = names.asked_site(actor, site)
        begin, end = instant(depuis), instant(jusqu_a)
        asked = statistics.period(datetime.now(UTC), zone, begin, end, site_id, log_statistics.DAYS)
        return log_statistics.logs(fleet, actor, asked, zone)

    return await request.run(counted)


@get("/verify", summary="Vérifier la chaîne du journal")
async def verify(request: Call, apres: After = None, limit: Lines = trail_check.MOST) -> TrailCheck:
    """Go through the trail of every site and name what does not hold, so many lines at a time: with `suite` as
    `apres` it goes on, until that is null."""
    return await request.run(lambda fleet, actor: trail_check.part(fleet, actor, apres, limit))


@get("/{log_id:int}", summary="Lire une ligne du journal")
async def read(request: Call, log_id: PathId) -> LogView:
    """One line, with its place in the chain."""
    return await request.run(lambda fleet, actor: journal.one(fleet, actor, log_id))


router = Router(
    "/logs", route_handlers=[search, find, recent, errors, by_session, stats, verify, read], tags=["logs"]
)
