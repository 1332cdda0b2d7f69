"""Everything that is asked of Windows. `real.Win32` answers with pywin32, the tests with a fake turned by hand.

Each call raises PlatformError, with a reason, when Windows says no. What is gone already is no error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Seat:
    """Somebody is logged on: the session's number, the account, and whether it has the screen."""

    session: int
    account: str
    on_screen: bool = True


@dataclass(frozen=True)
class Process:
    """`begun` tells it from a later one of the same number. `path` is empty where Windows does not tell."""

    pid: int
    session: int
    sid: str
    path: str = ""
    begun: int = 0


@dataclass(frozen=True)
class PrintJob:
    """A document that waits for its printer."""

    printer: str
    number: int
    bytes: int = 0


@dataclass(frozen=True)
class Value:
    """A value of the registry. `key` is below HKEY_LOCAL_MACHINE, or below the hive of an account."""

    key: str
    name: str
    value: str | int


@dataclass(frozen=True)
class ServicePlan:
    """A service of the system account that starts with the machine and is started again when it fails."""

    name: str
    title: str
    about: str
    command: Sequence[str]
    again_after_ms: Sequence[int]


class Sessions(Protocol):
    """Who sits at the machine."""

    def seats(self) -> Sequence[Seat]:
        """Every session with somebody logged on."""

    def log_off(self, session: int) -> None:
        """End the session and all in it. Returns when it is gone."""

    def sid(self, account: str) -> str:
        """The security identifier of a local account."""

    def next_account(self) -> str | None:
        """Whom Windows logs on by itself next; None when it would ask."""

    def log_on_next(self, account: str, password: str) -> None:
        """Log this account on by itself, at the next start and after each log-off."""

    def stop_logging_on(self) -> None:
        """Ask who it is again, and forget the password."""


class Accounts(Protocol):
    """The local accounts of the public and what is theirs."""

    def add_account(self, account: str, password: str, about: str) -> None:
        """An ordinary local user; one that exists keeps all but its password."""

    def remove_account(self, account: str) -> None: ...

    def set_password(self, account: str, password: str) -> None: ...

    def profile(self, sid: str) -> Path | None:
        """The folder of its profile, if it has one."""

    def make_profile(self, account: str, password: str, values: Sequence[Value]) -> None:
        """A new profile from the system's model, with these values in its part of the registry."""

    def delete_profile(self, sid: str) -> None:
        """The folder and its part of the registry."""


class Programs(Protocol):
    """What runs."""

    def processes(self) -> Sequence[Process]: ...

    def freeze(self, pid: int) -> None:
        """It stands still until it is thawed as often as it was frozen."""

    def thaw(self, pid: int) -> None: ...

    def end(self, pid: int) -> None: ...

    def start(
        self, session: int, command: Sequence[str], environment: Mapping[str, str], *, confined: bool
    ) -> int:
        """Start it as whoever is logged on in that session, and tell its process.

        A confined one and its children can't make another desktop nor end the session.
        """

    def exit_code(self, pid: int) -> int | None:
        """None while it runs; of one that is unknown, 0."""


class Things(Protocol):
    """What a visitor leaves outside the profile."""

    def owner(self, path: Path) -> str:
        """The security identifier of who owns it. FileNotFoundError for what is gone."""

    def fixed_drives(self) -> Sequence[Path]: ...

    def removable_drives(self) -> Sequence[str]:
        """With something in them, as `E:`."""

    def eject(self, drive: str) -> None:
        """Dismount, whatever is open on it."""

    def print_jobs(self, account: str) -> Sequence[PrintJob]: ...

    def cancel_print(self, job: PrintJob) -> None: ...

    def delete_task(self, name: str) -> None:
        """A task of the Task Scheduler."""


class System(Protocol):
    """The machine as a whole."""

    def ticks_ms(self) -> int:
        """Since the machine started, sleep included."""

    def recall(self, name: str) -> str | None:
        """What was remembered since the machine started."""

    def remember(self, name: str, value: str) -> None:
        """Until the machine stops, out of the reach of visitors."""

    def busy(self) -> tuple[int, int]:
        """How long all processors together were idle and how long there was of them, in the same unit."""

    def processors(self) -> int: ...

    def power(self, op: Literal["reboot", "shutdown"]) -> None: ...

    def set_for_machine(self, value: Value) -> None: ...

    def unset_for_machine(self, value: Value) -> None: ...

    def machine_value(self, key: str, name: str) -> str | int | None:
        """None where there is none."""

    def assign_access(self, configuration: str) -> None:
        """Hold accounts to what this says, from their next log-on on; nothing: nobody any more. Takes seconds."""

    def add_service(self, plan: ServicePlan) -> None:
        """Or change the one of this name."""

    def start_service(self, name: str) -> None: ...

    def remove_service(self, name: str) -> None:
        """Stopped first."""

    def run(self, command: Sequence[str]) -> None:
        """A program of the system, to its end."""


class Windows(Sessions, Accounts, Programs, Things, System, Protocol):
    """All of it."""
