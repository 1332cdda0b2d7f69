"""Lists to take away."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api import sheets
from api.answers import CLASHES, KINDS
from api.calls import Call
from api.parameters import Number, Typed, When, Word, Words, instant, listed
from api.routes import logs
from api.schemas import LogSearch
from fleet.usecases import exports, statistics

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = {"csv": (sheets.as_csv, "text/csv; charset=utf-8"), "xlsx": (sheets.as_xlsx, _XLSX)}
_OPTIONS = {CLASHES: True, KINDS: (_XLSX,)}
_DAYS = 30
Kind = Annotated[Literal["csv", "xlsx"], QueryParameter(description="csv (points-virgules) ou xlsx")]


@get("/{quoi:str}", summary="Exporter une liste", media_type="text/csv", opt=_OPTIONS)
async def read(
    request: Call,
    quoi: FromPath[str],
    genre: Kind = "csv",
    site: Word = None,
    depuis: When = None,
    jusqu_a: When = None,
) -> Stream:
    """sessions, postes, utilisateurs or logs; of the last 30 days by default. Kept in the audit trail.

    For people: headings and words are French, instants in the zone of the last column (`Fuseau horaire`), durations
    h:min:s, booleans oui or non.
    """
    return await _taken(request, quoi, genre, LogSearch(site=site, depuis=depuis, jusqu_a=jusqu_a))


@get("/logs", summary="Exporter le journal", media_type="text/csv", opt=_OPTIONS)
async def read_logs(
    request: Call,
    genre: Kind = "csv",
    site: Word = None,
    action: Words = None,
    session: Number = None,
    poste: Word = None,
    utilisateur: Number = None,
    operateur: Word = None,
    depuis: When = None,
    jusqu_a: When = None,
    recherche: Typed = None,
) -> Stream:
    """The lines that `GET /logs/` has by the same filters; of the last 30 days by default. Kept in the audit trail."""
    asked = LogSearch(
        site=site,
        actions=list(listed(action)),
        session=session,
        poste=poste,
        utilisateur=utilisateur,
        operateur=operateur,
        depuis=depuis,
        jusqu_a=jusqu_a,
        recherche=recherche,
    )
    return await _taken(request, "logs", genre, asked)


async def _taken(request: Call, what: str, kind: str, asked: LogSearch) -> Stream:
    names, zone = request.shared.names, request.shared.settings.zone

    def begun() -> Iterator[bytes]:
        site_id = names.asked_site(request.user, asked.site)
        since, until = instant(asked.depuis), instant(asked.jusqu_a)
        when = statistics.period(datetime.now(UTC), zone, since, until, site_id, _DAYS)
        lines = logs.which(request, asked) if what == "logs" else None
        rows = exports.begin(request.shared.fleet, request.user, what, kind, when, zone, lines)
        return _KINDS[kind][0](rows)

    parts = await request.shared.work.run(begun)
    named = {
        # Here, because the handler's own kind would be said of both.
        "Content-Type": _KINDS[kind][1],
        "Content-Disposition": f'attachment; filename="{what}.{kind}"',
        "Cache-Control": "no-store, private",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(_streamed(request, parts), headers=named)


async def _streamed(request: Call, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await request.shared.work.run(lambda: next(parts, None))) is not None:
        yield part


router = Router("/exports", route_handlers=[read_logs, read], tags=["exports"])
