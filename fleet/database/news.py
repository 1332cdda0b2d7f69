"""What a commit tells to those who wait: which site, and which kind of thing changed there."""

from typing import NamedTuple

CHANNEL = "ppm"
DESIRED, COMMANDS, CODES, CONFIG, LOG, POSTES, LEASES, EXTENSIONS, PROMISES = (
    "desired",
    "command",
    "code",
    "config",
    "log",
    "poste",
    "lease",
    "extension",
    "promise",
)


class News(NamedTuple):
    """Something of a site changed: `topic` is one of the words above. Site 0: none."""

    site_id: int
    topic: str


def to_payload(news: tuple[News, ...]) -> str:
    """The payload of NOTIFY. Only ids and words: it is seen by every session of the database."""
    return " ".join(f"{one.site_id}:{one.topic}" for one in news)


def from_payload(payload: str) -> tuple[News, ...]:
    """The news of a notification; what is not understood is left out."""
    pairs = (word.partition(":") for word in payload.split())
    return tuple(News(int(site), topic) for site, _, topic in pairs if site.isdigit())
