"""`/api/docs/`: the document as JSON, and Swagger UI over it from local files. Nothing comes from elsewhere."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.enums import OpenAPIMediaType
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath
from litestar.serialization import encode_json

from api.openapi import document

PATH = "/api/docs"
_START = """
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/docs/openapi.json", dom_id: "#swagger", deepLinking: true, validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis], tryItOutEnabled: true,
  });
});
"""
_PAGE = """<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Poste Public Manager : API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/files/swagger.css">
</head>
<body>
<div id="swagger"></div>
<script src="/api/docs/files/swagger.js"></script>
<script src="/api/docs/files/start.js"></script>
</body>
</html>
"""
_FILES = {
    "swagger.css": ("swagger_style.css", "text/css"),
    "swagger.js": ("swagger_bundle.js", "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Document(OpenAPIRenderPlugin):
    """The document."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """Put together once."""
        if self._made is None:
            self._made = encode_json(document.of(request.app))
        return self._made


class Page(OpenAPIRenderPlugin):
    """The page."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """It only names its files."""
        return _PAGE.encode()


@get("/files/{name:str}", include_in_schema=False, sync_to_thread=False)
def file(name: FromPath[str]) -> Response[bytes]:
    """What the page is made of."""
    if name == "start.js":
        return Response(_START.encode(), media_type="text/javascript")
    if name not in _FILES:
        raise NotFoundException
    inside, kind = _FILES[name]
    return Response(_bundled(inside), media_type=kind, headers={"Cache-Control": "max-age=86400"})


@cache
def _bundled(name: str) -> bytes:
    """A file of Swagger UI, without importing the package that carries it: that reads all it has."""
    found = find_spec("offapi")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / name).read_bytes()


def router() -> Router:
    """Where the pages are."""
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Router(
        PATH,
        route_handlers=[file],
        include_in_schema=False,
        response_headers=[ResponseHeader(name=name, value=value) for name, value in headers.items()],
    )
