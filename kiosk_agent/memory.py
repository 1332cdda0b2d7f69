"""What a poste keeps on its disk, as values. A diskless poste begins each boot with an empty one."""

from dataclasses import dataclass, field

from msgspec import Struct

from kiosk_agent.countdown import Countdown
from protocol.messages import AckStatus, Config, DesiredPhase, Event


class Settled(Struct, frozen=True):
    """The last session that was locked here, the time it had left by this machine's measure, the rev held then."""

    session: str
    remaining_ms: int
    rev: int | None = None


class ByHand(Struct, frozen=True):
    """A technician opened the machine without the server: since when, and until when at most."""

    since: int
    until: int


class Held(Struct, kw_only=True):
    """What the poste holds: the last desired state that it applied and what became of it.

    `traces` names the session whose files may still be on the machine, `cleaning` that they are being wiped;
    `over` the session that ended here without the controller's knowledge, which takes no more time.
    `fault_since` tells when the session was locked by a fault (ms of the boot clock); `outage_ms` what it
    lost so and was not credited yet, `outage_connection` the connection that ended that. `locked_by_order`
    tells that a command locked the session, which is no fault. `warned` are the warnings given under this rev.
    `by_hand` is set while a technician has it open. `written_at` is when this was written (ms of the boot clock):
    the agent lived then.
    """

    boot: str
    term: int = 0
    rev: int = 0
    desired: DesiredPhase = "locked"
    session: str | None = None
    countdown: Countdown | None = None
    left_ms: int | None = None
    settled: Settled | None = None
    traces: str | None = None
    over: str | None = None
    cleaning: bool = False
    fault_since: int | None = None
    outage_ms: int = 0
    outage_connection: int = 0
    locked_by_order: bool = False
    warned: tuple[int, ...] = ()
    config: Config | None = None
    by_hand: ByHand | None = None
    written_at: int | None = None


class Happened(Struct, frozen=True):
    """An event and when it happened, in ms of the clock of its boot."""

    at: int
    event: Event


class Taken(Struct, frozen=True):
    """A command that was taken, and how it was answered."""

    id: str
    status: AckStatus
    reason: str | None = None


@dataclass
class Memory:
    """All that was found on the disk at the start. `troubles` are the parts that could not be read."""

    held: Held | None = None
    events: list[Happened] = field(default_factory=list)
    last_event: int = 0
    commands: list[Taken] = field(default_factory=list)
    alive_at: int | None = None
    connection: int = 0
    troubles: list[str] = field(default_factory=list)
