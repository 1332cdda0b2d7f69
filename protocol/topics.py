"""Every topic as a value: who publishes it, with which QoS, retained or not, and what it carries.

    ppm/v1/{site}/{poste}/up/...            published by that poste alone
    ppm/v1/{site}/{poste}/down/...          published by the controller alone
    ppm/v1/{site}/_all/down/command         a command to every poste of a site
    ppm/v1/_controller/{site}/status        who drives the site

`ppm` is the root, a setting; `v1` the major version of the protocol. Names that begin with `_` are no slugs,
so they can be no poste's and no site's.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from protocol import messages
from protocol.version import MAJOR

DEFAULT_ROOT = "ppm"
EVERY_POSTE = "_all"
CONTROLLER = "_controller"
SLUG = re.compile(messages.SLUG_PATTERN)

Publisher = Literal["poste", "controller"]


@dataclass(frozen=True)
class Topic:
    """One kind of topic of a poste. `path` says where it is, `payload` what it carries."""

    name: str
    publisher: Publisher
    qos: Literal[0, 1]
    retained: bool
    payload: Any
    meaning: str

    def path(self, site: str, poste: str, root: str = DEFAULT_ROOT) -> str:
        """The topic of one poste; `site` and `poste` may be `+` to subscribe to those of all."""
        return f"{root}/v{MAJOR}/{site}/{poste}/{self.name}"


STATUS = Topic("up/status", "poste", 1, True, messages.Status, "presence; also the last will")
INFO = Topic("up/info", "poste", 1, True, messages.Info, "what the machine is and speaks")
STATE = Topic("up/state", "poste", 1, True, messages.State, "what the poste really does")
HEARTBEAT = Topic("up/heartbeat", "poste", 0, False, messages.Heartbeat, "a sign of life, every 20 s +-20 %")
REQUEST = Topic("up/request", "poste", 1, False, messages.Request, "what the visitor or the poste asks")
ACK = Topic("up/ack", "poste", 1, False, messages.Ack, "what became of a command or of a desired session")
EVENT = Topic(
    "up/event", "poste", 1, False, messages.Event, "what happened there, numbered, told until noted"
)
SESSION = Topic("down/session", "controller", 1, True, messages.Desired, "the desired state, whole")
CONFIG = Topic("down/config", "controller", 1, True, messages.Config, "what the lock screen needs")
REPLY = Topic(
    "down/reply", "controller", 1, False, messages.Reply, "the answer to a request, or events noted"
)
COMMAND = Topic("down/command", "controller", 1, False, messages.Command, "a one-shot action")

TOPICS: tuple[Topic, ...] = (
    STATUS, INFO, STATE, HEARTBEAT, REQUEST, ACK, EVENT, SESSION, CONFIG, REPLY, COMMAND,
)  # fmt: skip
_BY_NAME = {topic.name: topic for topic in TOPICS}


@dataclass(frozen=True)
class Address:
    """Where a message came from: the kind of topic, the site, the poste (or `_all`)."""

    topic: Topic
    site: str
    poste: str


def parse(path: str, root: str = DEFAULT_ROOT) -> Address | None:
    """The address that a topic of a poste names, or None for any other topic."""
    prefix = f"{root}/v{MAJOR}/"
    if not path.startswith(prefix):
        return None
    parts = path[len(prefix) :].split("/", 2)
    if len(parts) != 3:
        return None
    site, poste, name = parts
    topic = _BY_NAME.get(name)
    if topic is None or not SLUG.match(site):
        return None
    if not SLUG.match(poste) and not (poste == EVERY_POSTE and topic is COMMAND):
        return None
    return Address(topic, site, poste)


def controller_status(site: str, root: str = DEFAULT_ROOT) -> str:
    """Where the controller that drives a site says so (QoS 1, retained, with a will)."""
    return f"{root}/v{MAJOR}/{CONTROLLER}/{site}/status"


def all_postes_command(site: str, root: str = DEFAULT_ROOT) -> str:
    """Where a command to every poste of a site is published; each poste answers for itself."""
    return COMMAND.path(site, EVERY_POSTE, root)
