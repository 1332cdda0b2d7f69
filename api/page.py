"""The operators' page: the files that `make web` built from `api/web`, and its rules for the browser.

Every address that is a page of it answers the same document; what it shows is decided in the browser. Nothing that it
loads or calls is anywhere else.
"""

import base64
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.auth import PUBLIC
from api.routes import index
from fleet.usecases import printing

BUILT = Path(__file__).with_name("web") / "dist"
PAGES = ("plan", "mur", "utilisateurs", "postes", "sessions", "journal", "statistiques", "reglages", "compte")
"""The first words of the addresses of `api/web/src/router.ts`, beside `/`."""
_DOCUMENT, _ICON = "index.html", "icon.svg"
_FOR_GOOD = "public, max-age=31536000, immutable"
_PACKED_ALREADY = (".woff2", ".png")
_REPORTS = f"sha256-{base64.b64encode(hashlib.sha256(printing.STYLE.encode()).digest()).decode()}"
"""The one style that reports carry within them: opened from the page, they are under its rules."""
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' '{_REPORTS}'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types vue",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class _File:
    """A file of the page, as it is and packed."""

    content: bytes
    packed: bytes | None
    kind: str

    def answer(self, request: Request[Any, Any, Any], kept: str) -> Response[bytes]:
        """The file, packed for who takes it so."""
        headers = {**_HEADERS, "Cache-Control": kept, "Vary": "Accept-Encoding"}
        if self.packed is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.content, media_type=self.kind, headers=headers)
        return Response(self.packed, media_type=self.kind, headers={**headers, "Content-Encoding": "gzip"})


def router(built: Path = BUILT) -> Router:
    """The page; where it was not built, one that says where to go on without it."""
    files = _read(built) if (built / _DOCUMENT).is_file() else {}
    handlers = _handlers(files) if files else [index.page]
    return Router("/", route_handlers=[*handlers, index.links], opt={PUBLIC: True})


def _read(folder: Path) -> Mapping[str, _File]:
    """All of it, by its address; once, as it is small."""
    return {
        path.relative_to(folder).as_posix(): _file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _file(path: Path) -> _File:
    content = path.read_bytes()
    packed = None if path.suffix in _PACKED_ALREADY else gzip.compress(content, mtime=0)
    return _File(content, packed, mimetypes.guess_type(path.name)[0] or "application/octet-stream")


def _handlers(files: Mapping[str, _File]) -> list[HTTPRouteHandler]:
    addresses = ["/", *(f"/{page}{rest}" for page in PAGES for rest in ("", "/{rest:path}"))]

    @get(addresses, include_in_schema=False, sync_to_thread=False)
    def document(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The one document."""
        return files[_DOCUMENT].answer(request, "no-cache")

    @get(["/assets/{name:str}"], include_in_schema=False, sync_to_thread=False)
    def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """A part of it, whose name changes with its content. Raises NotFoundException."""
        if (found := files.get(f"assets/{name}")) is None:
            raise NotFoundException
        return found.answer(request, _FOR_GOOD)

    @get(f"/{_ICON}", include_in_schema=False, sync_to_thread=False)
    def icon(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The picture in the browser's tab."""
        return files[_ICON].answer(request, "no-cache")

    return [document, asset, icon]
