"""What the machine wants done. The agent does it, in order, and gives the results back as inputs."""

from dataclasses import dataclass

from kiosk_agent.memory import Happened, Held
from protocol import messages
from protocol.topics import Topic


@dataclass(frozen=True)
class Publish:
    """Say it now if the link is up. When it is down nothing is queued: the machine says it again itself."""

    topic: Topic
    message: messages.Message


@dataclass(frozen=True)
class Beat:
    """A heartbeat, to be completed with the idleness and the load of the machine."""

    heartbeat: messages.Heartbeat


@dataclass(frozen=True)
class Persist:
    """Write what the poste holds before doing what follows."""

    held: Held


@dataclass(frozen=True)
class Remember:
    """Write the commands that were taken, so that none is done twice."""


@dataclass(frozen=True)
class Record:
    """Add an event to those kept on disk."""

    happened: Happened


@dataclass(frozen=True)
class Forget:
    """Write the events again: some were noted by the controller."""


@dataclass(frozen=True)
class Unlock:
    """Open the machine to the visitor of this session."""

    session: str


@dataclass(frozen=True)
class Lock:
    """Close the machine. Done before everything else of its batch."""


@dataclass(frozen=True)
class Clean:
    """Wipe what the visitor left, then tell the machine."""


@dataclass(frozen=True)
class Warn:
    """Tell the visitor that `left_s` seconds are left."""

    left_s: int


@dataclass(frozen=True)
class Tell:
    """A sentence of the catalogue for whoever sits there."""

    key: str
    values: dict[str, int | str]


@dataclass(frozen=True)
class TellAnswer:
    """The controller's own sentence in both languages, with the reason if it is a refusal."""

    fr: str
    en: str
    reason: str | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True)
class ShowText:
    """A message that the desk typed."""

    text: str


@dataclass(frozen=True)
class Identify:
    """Show large which poste this is."""


@dataclass(frozen=True)
class Power:
    """Restart or stop the machine: `op` is `reboot` or `shutdown`."""

    op: str


@dataclass(frozen=True)
class Install:
    """Install another version of the agent, for the command of this id, then tell the machine what came of it."""

    command: str
    version: str
    sha256: str
    downgrade: bool = False


Effect = (
    Publish | Beat | Persist | Remember | Record | Forget | Unlock | Lock | Clean | Warn | Tell
    | TellAnswer | ShowText | Identify | Power | Install
)  # fmt: skip
