"""How answers leave: what is one record carries its ETag, a reader who has it gets 304, and nobody else keeps it."""

import hashlib
import re
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.serialization import encode_json
from msgspec import Struct

_CLOCK = re.compile(rb',?"maintenant":"[^"]*"')


class Answered(Response[Any]):
    """The answer of a handler."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **more: Any) -> ASGIResponse:
        """With its ETag, or 304 in its place."""
        content = self.content
        tag = None
        if isinstance(content, Struct):
            self.content = encode_json(content)
            tag = tag_of(self.content, getattr(content, "version", None))
        answer = super().to_asgi_response(app, request, **more)
        if tag is None:
            return answer
        kept = {"etag": tag, "cache-control": "private, no-cache"}
        if request.method == "GET" and _has(request.headers.get("if-none-match"), tag):
            return ASGIResponse(status_code=304, headers=kept)
        answer.headers.update(kept)
        return answer


CLASHES = "clashes"
"""The option of handlers that only read, and that a rule may refuse all the same (409)."""
TAGGED = "tagged"
"""The option of handlers that answer a file with an ETag."""
KINDS = "kinds"
"""The option of handlers whose caller chooses the kind of file: the media types beside that of the handler."""


def marked(request: Request[Any, Any, Any], content: bytes, media_type: str, mark: str) -> Response[bytes]:
    """A file with the mark that says whether it is still the same, or 304 in its place."""
    tag = f'"{mark}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if _has(request.headers.get("if-none-match"), tag):
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def tag_of(body: bytes, version: int | None) -> str | None:
    """The tag of a record: its version, which If-Match looks at, and what it says beside the time of day."""
    if version is None:
        return None
    said = hashlib.blake2b(_CLOCK.sub(b"", body), digest_size=6).hexdigest()
    return f'"{version}-{said}"'


def _has(tags: str | None, tag: str) -> bool:
    given = [one.strip().removeprefix("W/") for one in (tags or "").split(",")]
    return tag in given or "*" in given
