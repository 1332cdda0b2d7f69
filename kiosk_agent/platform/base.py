"""What the agent asks of the machine that it runs on."""

from dataclasses import dataclass
from typing import Protocol

from protocol.messages import Info


class PlatformError(Exception):
    """The machine did not do what it was asked; `reason` is the word for it on the wire."""

    def __init__(self, message: str = "", reason: str = "platform") -> None:
        super().__init__(message or reason)
        self.reason = reason


@dataclass(frozen=True)
class Attestation:
    """What a clean-up wiped (what, count, bytes), how long it took, and what a second look found left.

    What is left is told as a kind and a number, `tmp:2`: the names of things are the visitor's.
    """

    ms: int
    items: tuple[tuple[str, int, int], ...] = ()
    leftovers: tuple[str, ...] = ()


class Platform(Protocol):
    """One computer. Nothing here may block for long but `clean`; each may raise PlatformError.

    A machine whose agent dies is locked by the platform, not by the agent.
    """

    def boot_id(self) -> str:
        """A random id of this start of the machine."""

    def info(self) -> Info:
        """What the machine is and can do, asked at each connection; the agent adds the addresses."""

    def lock(self) -> None:
        """Nobody can use the machine. Locking twice is harmless."""

    def unlock(self, session: str) -> None:
        """Let the visitor in; begin it and return."""

    async def clean(self) -> Attestation:
        """Wipe what the visitor left and look again."""

    def warn(self, left_s: int, sentence: str) -> None:
        """Tell the visitor that the end comes near."""

    def show(self, text: str) -> None:
        """Show a message of the desk."""

    def power(self, op: str) -> None:
        """Restart (`reboot`) or stop (`shutdown`) the machine."""

    def update(self, version: str, sha256: str) -> None:
        """Install this version of the agent, whose file has this digest; begin it and return."""

    def idle_s(self) -> int:
        """For how many seconds nobody touched the machine."""

    def load(self) -> float:
        """The load of the machine, as its system counts it."""
