"""Lists to take away."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api import sheets
from api.answers import CLASHES
from api.calls import Call
from api.parameters import When, Word, instant
from fleet.usecases import exports, statistics

_KINDS = {
    "csv": (sheets.as_csv, "text/csv; charset=utf-8"),
    "xlsx": (sheets.as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_DAYS = 30
Kind = Annotated[Literal["csv", "xlsx"], QueryParameter(description="csv (points-virgules) ou xlsx")]


@get("/{quoi:str}", summary="Exporter une liste", media_type="text/csv", opt={CLASHES: True})
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
    names, zone = request.shared.names, request.shared.settings.zone

    def begun() -> Iterator[bytes]:
        site_id = names.asked_site(request.user, site)
        when = statistics.period(datetime.now(UTC), zone, instant(depuis), instant(jusqu_a), site_id, _DAYS)
        rows = exports.begin(request.shared.fleet, request.user, quoi, genre, when, zone)
        return _KINDS[genre][0](rows)

    parts = await request.shared.work.run(begun)
    named = {
        # Here, because the handler's own kind would be said of both.
        "Content-Type": _KINDS[genre][1],
        "Content-Disposition": f'attachment; filename="{quoi}.{genre}"',
        "Cache-Control": "no-store, private",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(_streamed(request, parts), headers=named)


async def _streamed(request: Call, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await request.shared.work.run(lambda: next(parts, None))) is not None:
        yield part


router = Router("/exports", route_handlers=[read], tags=["exports"])
