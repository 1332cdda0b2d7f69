"""What a commit tells to those who wait: which site, and which kind of thing changed there."""

from typing import NamedTuple

CHANNEL = "ppm"
DESIRED, COMMANDS, CODES, CONFIG, LOG, POSTES, LEASES, EXTENSIONS, PROMISES, IDENTITIES = (
    "desired",
    "command",
    "code",
    "config",
    "log",
    "poste",
    "lease",
    "extension",
    "promise",
    "identity",
)


class News(NamedTuple):
    """Something of a site changed: `topic` is one of the words above. Site 0: none.

    `carried` is what a poste should do, where that is all that changed of this kind: there is no need to ask for it.
    """

    site_id: int
    topic: str
    carried: str = ""


def to_payload(news: tuple[News, ...]) -> str:
    """The payload of NOTIFY. Only ids, words and times: it is seen by every session of the database."""
    return " ".join(f"{one.site_id}:{one.topic}" for one in news)


def from_payload(payload: str) -> tuple[News, ...]:
    """The news of a notification, `carried` in a second line; what is not understood is left out."""
    words, _, carried = payload.partition("\n")
    pairs = (word.partition(":") for word in words.split())
    return tuple(
        News(int(site), topic, carried if topic == DESIRED else "")
        for site, _, topic in pairs
        if site.isdigit()
    )
