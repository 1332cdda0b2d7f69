"""The reports of each day."""

import base64
import hashlib
from datetime import date

from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from api.calls import Call
from api.parameters import Word
from fleet.usecases import printing, report_page, reports
from fleet.usecases.reports import Report, ReportList

_HASH = base64.b64encode(hashlib.sha256(printing.STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'",
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
}


@get("/", summary="Lister les rapports")
async def search(request: Call, genre: Word = None) -> ReportList:
    """The latest ones."""
    return await request.run(lambda fleet, actor: reports.latest(fleet, actor, genre))


@get("/{genre:str}/{jour:date}", summary="Lire un rapport")
async def read(request: Call, genre: FromPath[str], jour: FromPath[date]) -> Report:
    """The figures of a day, by site."""
    return await request.run(lambda fleet, actor: reports.one(fleet, actor, genre, jour))


@get(
    "/{genre:str}/{jour:date}/page",
    media_type=MediaType.HTML,
    summary="Lire un rapport sur une page à imprimer",
)
async def page(request: Call, genre: FromPath[str], jour: FromPath[date]) -> Response[str]:
    """The same, to be read and printed."""
    said = await request.run(lambda fleet, actor: report_page.printed(fleet, actor, genre, jour))
    return Response(said, media_type=MediaType.HTML, headers=_HEADERS)


router = Router("/rapports", route_handlers=[search, read, page], tags=["rapports"])
