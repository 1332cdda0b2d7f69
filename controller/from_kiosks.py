"""From the wire to the use cases: each message decoded once, at the edge, and handed to whoever serves its kind.

`receive` runs for each message that the broker sends, in the loop; it only sorts. Heartbeats are conflated by
poste, requests wait in a short row per poste, acknowledgements and events in one bounded row each: what does not
fit is dropped, because postes say it again.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controller.presence import Presence
from controller.twins import Twins
from fleet.database.failures import traced
from protocol import codec, messages, topics

log = logging.getLogger(__name__)
ROW_PER_POSTE = 4
ROW = 20_000
LOGGED_PER_MINUTE = 60
EARLIER_BOOT = "earlier_boot"


@dataclass
class Inbox:
    """What has come in: `woken` says that something waits for an answer, `stirred` that somebody came or went."""

    requests: dict[str, deque[messages.Request]] = field(default_factory=dict)
    resyncs: dict[str, tuple[messages.Resync, float]] = field(default_factory=dict)
    acks: deque[tuple[str, messages.Ack, float]] = field(default_factory=lambda: deque(maxlen=ROW))
    events: deque[tuple[str, messages.Event]] = field(default_factory=lambda: deque(maxlen=ROW))
    beats: dict[str, None] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    phases: dict[str, None] = field(default_factory=dict)
    infos: dict[str, messages.Info] = field(default_factory=dict)
    twins: Twins = field(default_factory=Twins)
    twinned: dict[str, None] = field(default_factory=dict)
    unreadable: deque[tuple[str, str, str]] = field(default_factory=lambda: deque(maxlen=100))
    time_refused: bool = False
    orders_wait: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _Known:
    """A topic seen before: its kind, the poste it belongs to, and who takes it."""

    topic: topics.Topic
    slug: str
    take: Callable[[str, Any], None]


class Receiver:
    """Sorts what comes in for one site. `knows` tells whether a poste belongs to it."""

    def __init__(
        self, site: str, root: str, presence: Presence, inbox: Inbox, knows: Callable[[str], bool]
    ) -> None:
        self._site, self._root, self._knows = site, root, knows
        self._presence, self._inbox = presence, inbox
        self._topics: dict[str, _Known | None] = {}
        self.refused: Counter[str] = Counter()
        self._logged: deque[float] = deque(maxlen=LOGGED_PER_MINUTE)
        self._takers: dict[topics.Topic, Callable[[str, Any], None]] = {
            topics.STATUS: self._status,
            topics.INFO: self._info,
            topics.STATE: self._state,
            topics.HEARTBEAT: self._heartbeat,
            topics.REQUEST: self._request,
            topics.ACK: self._ack,
            topics.EVENT: self._event,
        }

    def receive(self, path: str, payload: bytes, retained: bool) -> None:
        """Take one message from the broker. Never raises: a bad one is counted, logged, and forgotten."""
        try:
            self._receive(path, payload, retained)
        except codec.BadMessage as bad:
            self._bad(path, bad.reason, payload, bad.detail)
        except Exception as error:  # noqa: BLE001  the net of a loop; its words may hold data
            facts = {"topic": path, "size": len(payload)}
            log.error("message_failed", extra=facts | traced(error))

    def forget_topics(self) -> None:
        """The postes of the site have changed."""
        self._topics.clear()

    def _receive(self, path: str, payload: bytes, retained: bool) -> None:
        known = self._topics.get(path) or self._recognise(path)
        if known is None:
            self._bad(path, "not_of_this_site", payload)
        elif not payload and retained:
            return
        elif retained and not known.topic.retained:
            self._bad(path, "retained", payload)
        else:
            message = codec.decode(known.topic, payload)
            known.take(known.slug, message)
            if known.topic is topics.STATUS and not retained:
                self._look_for_twins(known.slug, message)

    def _recognise(self, path: str) -> _Known | None:
        address = topics.parse(path, self._root)
        if address is None or address.site != self._site or not self._knows(address.poste):
            return None
        take = self._takers.get(address.topic)
        if take is None:
            return None
        known = self._topics[path] = _Known(address.topic, address.poste, take)
        return known

    def _bad(self, path: str, reason: str, payload: bytes, detail: str = "") -> None:
        self.refused[reason] += 1
        now = time.monotonic()
        if len(self._logged) < LOGGED_PER_MINUTE or now - self._logged[0] > 60:
            self._logged.append(now)
            facts = {"topic": path, "size": len(payload), "reason": reason, "detail": detail}
            log.warning("message_refused", extra=facts)
        address = topics.parse(path, self._root)
        if address is not None and address.topic is topics.REQUEST and self._knows(address.poste):
            old = reason in ("retained", EARLIER_BOOT)
            self._answerable(address.poste, payload, "message_ancien" if old else "message_illisible")

    def _answerable(self, slug: str, payload: bytes, reason: str) -> None:
        asked = codec.request_id(payload)
        if asked is not None:
            self._inbox.unreadable.append((slug, f"{asked[0]} {asked[1]}", reason))
            self._inbox.woken.set()

    def _status(self, slug: str, told: messages.Status) -> None:
        if self._presence.status(slug, told, time.monotonic()):
            self._moved(slug)

    def _look_for_twins(self, slug: str, told: messages.Status) -> None:
        if self._inbox.twins.status(slug, told, time.monotonic()):
            self._inbox.twinned[slug] = None
            self._inbox.stirred.set()

    def _info(self, slug: str, told: messages.Info) -> None:
        self._inbox.twins.info(slug, told)
        self._inbox.infos[slug] = told
        self._inbox.stirred.set()

    def _state(self, slug: str, told: messages.State) -> None:
        if self._presence.state(slug, told):
            self._inbox.phases[slug] = None
            self._inbox.stirred.set()

    def _heartbeat(self, slug: str, told: messages.Heartbeat) -> None:
        if self._presence.heartbeat(slug, told, time.monotonic()):
            self._moved(slug)
        self._inbox.beats[slug] = None

    def _request(self, slug: str, told: messages.Request) -> None:
        self._require_present_boot(slug, told.boot)
        self._heard(slug, told.boot)
        if isinstance(told, messages.Resync):
            self._inbox.resyncs[slug] = told, time.monotonic()
        else:
            row = self._inbox.requests.setdefault(slug, deque(maxlen=ROW_PER_POSTE))
            row.append(told)
        self._inbox.woken.set()

    def _ack(self, slug: str, told: messages.Ack) -> None:
        self._require_present_boot(slug, told.boot)
        self._heard(slug, told.boot, worked=told.status == "done")
        self._inbox.acks.append((slug, told, time.monotonic()))
        self._inbox.woken.set()

    def _event(self, slug: str, told: messages.Event) -> None:
        self._heard(slug, told.boot)
        self._inbox.events.append((slug, told))
        self._inbox.woken.set()

    def _require_present_boot(self, slug: str, boot: str) -> None:
        """A machine that has started again neither asks nor does any more what it did before."""
        if not self._presence.is_of_this_start(slug, boot):
            raise codec.BadMessage(EARLIER_BOOT, boot, 0)

    def _heard(self, slug: str, boot: str, *, worked: bool = False) -> None:
        if self._presence.heard(slug, boot, time.monotonic(), worked=worked):
            self._moved(slug)

    def _moved(self, slug: str) -> None:
        self._inbox.moved[slug] = None
        self._inbox.stirred.set()
