"""What a poste listens to, decoded once. What does not decode is counted and logged, never with its content."""

import logging
import time
from collections import deque

from kiosk_agent.settings import Settings
from protocol import codec, topics
from protocol.topics import Topic

log = logging.getLogger(__name__)

HEARD = (topics.SESSION, topics.CONFIG, topics.REPLY, topics.COMMAND, topics.STATUS)
"""Its own topics; its status among them, to see itself declared offline."""


LOGGED_PER_MINUTE = 20
"""What floods the poste does not flood its log; all of it is counted."""


class Inbox:
    """The topics of one poste and of its site."""

    def __init__(self, settings: Settings) -> None:
        site, root = settings.site, settings.root
        self._controller = topics.controller_status(site, root)
        self._topics: dict[str, Topic] = {one.path(site, settings.poste, root): one for one in HEARD}
        self._topics[topics.all_postes_command(site, root)] = topics.COMMAND
        self.bad = 0
        self._logged: deque[float] = deque(maxlen=LOGGED_PER_MINUTE)

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self._topics, self._controller)

    def decode(self, path: str, payload: bytes) -> object:
        """The message. Raises codec.BadMessage, also for a topic that was not asked for."""
        if path == self._controller:
            return codec.decode_controller_status(payload)
        topic = self._topics.get(path)
        if topic is None:
            raise codec.BadMessage("foreign_topic", path, len(payload))
        return codec.decode(topic, payload)

    def refused(self, path: str, payload: bytes, bad: codec.BadMessage) -> str | None:
        """Count and log a bad message. Returns the id of a command, which deserves an answer."""
        self.bad += 1
        now = time.monotonic()
        if len(self._logged) < LOGGED_PER_MINUTE or now - self._logged[0] > 60:
            self._logged.append(now)
            facts = {"topic": path, "size": bad.size, "reason": bad.reason, "so_far": self.bad}
            log.warning("bad_message", extra=facts)
        if self._topics.get(path) is not topics.COMMAND:
            return None
        return codec.command_id(payload)
