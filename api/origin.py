"""Where a page comes from: browsers say it, other programs say nothing."""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from api.settings import ApiSettings
from fleet.domain.errors import Forbidden

Connection = ASGIConnection[Any, Any, Any, Any]


def is_ours(connection: Connection, settings: ApiSettings) -> bool | None:
    """Whether the page that calls is one of ours; None where no page says that it calls."""
    origin = connection.headers.get("origin")
    if origin is None:
        return None
    return origin == settings.public_origin or urlsplit(origin).netloc == connection.headers.get("host")


def require(connection: Connection, settings: ApiSettings) -> None:
    """For what a browser does by a cookie that it sends by itself: raise Forbidden unless a page of ours asked."""
    if is_ours(connection, settings) is not True:
        raise Forbidden("origine_refusee")


def refuse_foreign(connection: Connection, settings: ApiSettings) -> None:
    """Raise Forbidden when a foreign page calls."""
    if is_ours(connection, settings) is False:
        raise Forbidden("origine_refusee")
