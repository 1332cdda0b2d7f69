"""`GET /api`: where to go on; and `GET /` of a copy whose page was not built (`api.page`). Needs no script."""

import base64
import hashlib
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.routes import HTTPRoute
from msgspec import Struct

from api.edge import Edge

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.75rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
a { color: LinkText; } code { font-size: 1em; }
"""
_PAGE = f"""<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Poste Public Manager</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Poste Public Manager</h1>
<p>Prête les ordinateurs d’un lieu public à la minute&#8239;: un code à l’accueil, un poste qui s’ouvre, du temps qui
se prolonge, se met en pause et se termine.</p>
<ul>
<li><a href="/api/docs/">L’interface, à essayer</a>
et <a href="/api/docs/openapi.json">son document OpenAPI</a>&#8239;: tout ce que l’interface sait faire</li>
<li><a href="/api/health/ready">L’état du service</a></li>
<li>La page des opérateurs n’est pas construite&#8239;: <code>make web</code></li>
<li>Pour commencer&#8239;: <code>README.fr.md</code>, à côté du programme</li>
</ul>
<section lang="en">
<h2>In English</h2>
<p>Lends public computers by the minute: a code from the desk opens a computer; its time is extended, paused and
ended from there.</p>
<ul>
<li><a href="/api/docs/">The interface, to try out</a>
and <a href="/api/docs/openapi.json">its OpenAPI document</a>: all that the interface can do</li>
<li><a href="/api/health/ready">How the service is</a></li>
<li>The operators’ page is not built: <code>make web</code></li>
<li>To begin with: <code>README.md</code>, beside the program</li>
</ul>
</section>
</main>
</body>
</html>
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@get("/", include_in_schema=False, sync_to_thread=False)
def page() -> Response[str]:
    """What this is."""
    return Response(_PAGE, media_type=MediaType.HTML, headers=_HEADERS)


class Index(Struct, frozen=True):
    """Where to go on: every list and every other thing that is read without a number."""

    documentation: str
    openapi: str
    liens: dict[str, str]


@get("/api", summary="Où aller", sync_to_thread=False, tags=["index"], middleware=[Edge()])
def links(request: Request[Any, Any, Any]) -> Index:
    """The addresses of this API."""
    paths = sorted(
        route.path
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/") and _is_read(route)
    )
    found = {path.removeprefix("/api/"): f"{path}/" for path in paths}
    return Index("/api/docs/", "/api/docs/openapi.json", found)


def _is_read(route: HTTPRoute) -> bool:
    handler, _ = route.route_handler_map.get("GET", (None, None))
    return handler is not None and handler.include_in_schema is not False and not route.path_parameters
