"""What the broker held for a site when we came, against what the database wants."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from protocol import codec, topics


@dataclass
class Retained:
    """The retained messages of a site, gathered until `complete`."""

    root: str = topics.DEFAULT_ROOT
    revs: dict[str, int] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, path: str, payload: bytes, retained: bool) -> bool:
        """Gather a message that we (or those before us) published. False when it is a poste's."""
        if "/down/" not in path:
            return False
        address = topics.parse(path, self.root)
        if address is None or address.topic.publisher != "controller":
            return False
        if retained and payload and not self.complete.is_set():
            self._keep(address, payload)
        return True

    def _keep(self, address: topics.Address, payload: bytes) -> None:
        if address.topic is topics.CONFIG:
            self.configs[address.poste] = payload
        elif address.topic is topics.SESSION:
            try:
                self.revs[address.poste] = codec.decode(topics.SESSION, payload).rev
            except codec.BadMessage:
                self.revs[address.poste] = -1

    def differs(self, slug: str, rev: int) -> bool:
        """Whether the broker does not hold what this poste should do."""
        return self.revs.get(slug) != rev

    def orphans(self, site: str, root: str, known: Collection[str]) -> Iterator[str]:
        """The retained topics of postes that are no more."""
        for slug in (set(self.revs) | set(self.configs)) - set(known):
            for topic in topics.TOPICS:
                if topic.retained:
                    yield topic.path(site, slug, root)
