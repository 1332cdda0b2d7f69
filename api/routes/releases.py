"""Signed versions of the agent: listed, and given to postes."""

import re
from typing import Annotated

from litestar import Response, Router, get
from litestar.params import FromPath, HeaderParameter

from api.auth import POSTE
from api.calls import Call
from fleet.usecases import releases
from protocol.release import Releases

_FROM = re.compile(r"bytes=(\d{1,12})-")
From = Annotated[
    str | None, HeaderParameter(name="Range", description="bytes=N- : la suite d'un téléchargement")
]


@get("/", opt={POSTE: True}, summary="Lister les versions de l'agent")
async def search(request: Call) -> Releases:
    """What `ppm release add` put there. The signatures are for postes to check, by the key that they pin."""
    folder = request.shared.settings.releases
    return await request.run(lambda _fleet, _actor: Releases(releases.all_in(folder)))


@get(
    "/{sha256:str}",
    opt={POSTE: True},
    summary="Télécharger une version de l'agent",
    media_type="application/zip",
)
async def read(request: Call, sha256: FromPath[str], after: From = None) -> Response[bytes]:
    """The wheel with this digest; from a byte on for who has the beginning already."""
    folder = request.shared.settings.releases
    asked = _FROM.fullmatch(after or "")
    begin = int(asked[1]) if asked else 0
    one, content = await request.run(lambda _fleet, _actor: releases.content(folder, sha256, begin))
    headers = {
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if content and begin:
        headers["Content-Range"] = f"bytes {begin}-{begin + len(content) - 1}/{one.size}"
    status = 206 if content and begin else 200
    return Response(content, status_code=status, media_type="application/zip", headers=headers)


router = Router("/agent/releases", route_handlers=[search, read], tags=["postes"])
