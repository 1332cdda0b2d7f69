"""What the reason codes mean, in a few words."""

from litestar import Router, get
from msgspec import Struct

from fleet.domain import reasons, written


class Reason(Struct, frozen=True):
    """A reason code, and what it means in either language."""

    code: str
    fr: str
    en: str


class Reasons(Struct, frozen=True):
    """All that there are."""

    resultats: list[Reason]


@get("/", summary="Lister les motifs", sync_to_thread=False)
def search() -> Reasons:
    """For figures and lists, where a whole sentence would be too long."""
    codes = sorted({*reasons.REASONS, *written.ENDINGS})
    return Reasons([Reason(code, written.reason(code), written.reason_in_english(code)) for code in codes])


router = Router("/motifs", route_handlers=[search], tags=["logs"])
