"""The query parameters that lists share."""

from datetime import UTC, datetime
from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from fleet.database.listing import LARGEST, Page
from fleet.usecases.journal import FARTHEST

Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST, description="lignes par page")]
Offset = Annotated[int, QueryParameter(ge=0, le=1_000_000)]
LogOffset = Annotated[
    int, QueryParameter(ge=0, le=FARTHEST, description="pour aller plus loin, le curseur `avant`")
]
Sort = Annotated[
    str | None, QueryParameter(max_length=32, description="champ de tri, - devant pour inverser")
]
Typed = Annotated[
    str | None, QueryParameter(max_length=100, description="mots à trouver, sans accents ni casse")
]
Word = Annotated[str | None, QueryParameter(max_length=64, description="slug ou id")]
Words = Annotated[str | None, QueryParameter(max_length=200, description="valeurs séparées par des virgules")]
PathId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Needed = Annotated[int, QueryParameter(ge=1, le=2**63 - 1)]
Number = Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)]
Whether = Annotated[bool | None, QueryParameter()]
When = Annotated[
    datetime | None, QueryParameter(description="instant RFC 3339\u202f; le + d’un décalage s’écrit %2B")
]

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def page_of(limit: Limit = 50, offset: Offset = 0, tri: Sort = None) -> Page:
    """The part of the list that is asked for."""
    return Page(limit, offset, tri)


def listed(words: str | None) -> tuple[str, ...]:
    """The values in a parameter that takes several."""
    return tuple(word.strip() for word in (words or "").split(",") if word.strip())


def instant(given: datetime | None) -> datetime | None:
    """An instant in UTC, or the nearest that UTC has a name for; one without offset is taken for UTC."""
    if given is None:
        return None
    if given.tzinfo is None:
        return given.replace(tzinfo=UTC)
    try:
        return given.astimezone(UTC)
    except OverflowError:
        return _FIRST if given.year == _FIRST.year else _LAST
