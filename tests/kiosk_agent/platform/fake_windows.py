"""A Windows that is turned by hand: it keeps what it is told in dictionaries, and files in a folder."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Literal

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import seats
from kiosk_agent.platform.windows.calls import PrintJob, Process, Seat, ServicePlan, Value
from kiosk_agent.platform.windows.places import Places

SYSTEM = "S-1-5-18"


@dataclass
class Running:
    """A process and how often it was frozen."""

    process: Process
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    confined: bool = False
    frozen: int = 0


class FakeWindows:
    """One machine. `refuses` names the calls that Windows says no to; `logs_on` whether it does that by itself."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root / "Windows", root / "Users", root / "ProgramData")
        self.explorer = str(PureWindowsPath(str(self.places.windows)) / "explorer.exe")
        self.root = root
        self.refuses: set[str] = set()
        self.logs_on = True
        self.on: list[Seat] = []
        self.passwords: dict[str, str] = {}
        self.profiles: dict[str, Path] = {}
        self.hives: dict[str, list[Value]] = {}
        self.running: dict[int, Running] = {}
        self.owners: dict[Path, str | None] = {}
        self.sticks: list[str] = []
        self.stuck_sticks: set[str] = set()
        self.jobs: list[tuple[str, PrintJob]] = []
        self.deleted_tasks: list[str] = []
        self.ticks = 60_000
        self.memory: dict[str, str] = {}
        self.times = (0, 0)
        self.orders: list[str] = []
        self.registry: dict[tuple[str, str], str | int] = {}
        self.assigned: list[str] = []
        self.services: dict[str, ServicePlan] = {}
        self.ran: list[Sequence[str]] = []
        self.next: tuple[str, str] | None = None
        self._pid, self._session = 1_000, 0
        self.spawns_when_frozen: Callable[[], None] = lambda: None
        for folder in (
            self.places.users / "Public", self.places.windows / "Temp", self.places.tasks, root / "ProgramData",
        ):  # fmt: skip
            folder.mkdir(parents=True)

    @classmethod
    def lent(cls, root: Path) -> "FakeWindows":
        """A machine that was installed and started: the first account of the public is logged on."""
        made = cls(root)
        for account in seats.PUBLIC:
            made.add_account(account, "x", "")
        seats.invite(made, seats.PUBLIC[0])
        made.log_on()
        return made

    def _may(self, call: str) -> None:
        if call in self.refuses:
            raise PlatformError(f"{call} is refused", call)

    # -------------------------------------------------------------- what a test does to it

    def log_on(self) -> None:
        """As Windows does by itself: only with the right password, and with the profile that is there."""
        if self.next is None or not self.logs_on:
            return
        account, password = self.next
        assert self.passwords[account] == password, "Windows would ask who it is"
        self._session += 1
        self.on.append(Seat(self._session, account))

    def restart(self) -> None:
        """Power off, power on."""
        self.on.clear()
        self.running.clear()
        self.memory.clear()
        self.ticks = 20_000
        self.log_on()

    def run_as_visitor(self, path: str, sid: str | None = None, session: int | None = None) -> int:
        """Somebody starts a program; in session 0 it is one that a task started."""
        here = self.on[-1]
        self._pid += 4
        number = here.session if session is None else session
        process = Process(self._pid, number, sid or self.sid(here.account), path, self.ticks + self._pid)
        self.running[self._pid] = Running(process)
        return self._pid

    def own(self, path: Path, account: str) -> Path:
        """A file of somebody's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
        self.owners[path] = self.sid(account)
        return path

    def of(self, path: str) -> list[Running]:
        return [one for one in self.running.values() if one.process.path == path]

    # -------------------------------------------------------------- sessions

    def seats(self) -> Sequence[Seat]:
        self._may("seats")
        return list(self.on)

    def log_off(self, session: int) -> None:
        self._may("log_off")
        self.on = [one for one in self.on if one.session != session]
        self.running = {pid: one for pid, one in self.running.items() if one.process.session != session}
        if not self.on:
            self.log_on()

    def sid(self, account: str) -> str:
        self._may("sid")
        if account not in self.passwords:
            raise PlatformError(f"there is no account {account}", "no_account")
        return f"S-1-5-21-{1000 + sorted(self.passwords).index(account)}"

    def next_account(self) -> str | None:
        return self.next[0] if self.next else None

    def log_on_next(self, account: str, password: str) -> None:
        self._may("log_on_next")
        self.next = account, password

    def stop_logging_on(self) -> None:
        self.next = None

    # -------------------------------------------------------------- accounts

    def add_account(self, account: str, password: str, about: str) -> None:
        self._may("add_account")
        self.passwords[account] = password

    def remove_account(self, account: str) -> None:
        del self.passwords[account]

    def set_password(self, account: str, password: str) -> None:
        self._may("set_password")
        self.passwords[account] = password

    def profile(self, sid: str) -> Path | None:
        return self.profiles.get(sid)

    def make_profile(self, account: str, password: str, values: Sequence[Value]) -> None:
        self._may("make_profile")
        assert self.passwords[account] == password
        sid, folder = self.sid(account), self.places.users / account
        assert sid not in self.profiles, "the new profile would be the old one"
        if folder.exists():
            folder = folder.with_name(f"{account}.MACHINE")
        folder.mkdir()
        (folder / "NTUSER.DAT").write_text("hive")
        self.profiles[sid], self.hives[sid] = folder, list(values)

    def delete_profile(self, sid: str) -> None:
        self._may("delete_profile")
        if any(self.sid(one.account) == sid for one in self.on):
            raise PlatformError("somebody is logged on with it", "profile")
        shutil.rmtree(self.profiles.pop(sid))
        del self.hives[sid]

    # -------------------------------------------------------------- programs

    def processes(self) -> Sequence[Process]:
        self._may("processes")
        return [one.process for one in self.running.values()]

    def freeze(self, pid: int) -> None:
        self._may("freeze")
        self.running[pid].frozen += 1
        self.spawns_when_frozen()

    def thaw(self, pid: int) -> None:
        self._may("thaw")
        self.running[pid].frozen -= 1

    def end(self, pid: int) -> None:
        self._may("end")
        self.running.pop(pid, None)

    def start(
        self, session: int, command: Sequence[str], environment: Mapping[str, str], *, confined: bool
    ) -> int:
        self._may("start")
        here = next(one for one in self.on if one.session == session)
        self._pid += 4
        process = Process(self._pid, session, self.sid(here.account), command[0], self._pid)
        self.running[self._pid] = Running(process, command, environment, confined)
        return self._pid

    def exit_code(self, pid: int) -> int | None:
        return None if pid in self.running else 1

    # -------------------------------------------------------------- things

    def owner(self, path: Path) -> str:
        self._may("owner")
        if not path.exists() and not path.is_symlink():
            raise FileNotFoundError(str(path))
        told = self.owners.get(path, SYSTEM)
        if told is None:
            raise PlatformError("access is denied", "owner")
        return told

    def fixed_drives(self) -> Sequence[Path]:
        return [self.root]

    def removable_drives(self) -> Sequence[str]:
        return list(self.sticks)

    def eject(self, drive: str) -> None:
        self._may("eject")
        if drive not in self.stuck_sticks:
            self.sticks.remove(drive)

    def print_jobs(self, account: str) -> Sequence[PrintJob]:
        self._may("print_jobs")
        return [job for whose, job in self.jobs if whose == account]

    def cancel_print(self, job: PrintJob) -> None:
        self._may("cancel_print")
        self.jobs = [one for one in self.jobs if one[1] != job]

    def delete_task(self, name: str) -> None:
        self._may("delete_task")
        self.deleted_tasks.append(name)
        (self.places.tasks / name.lstrip("\\").replace("\\", "/")).unlink(missing_ok=True)

    # -------------------------------------------------------------- system

    def ticks_ms(self) -> int:
        return self.ticks

    def recall(self, name: str) -> str | None:
        self._may("recall")
        return self.memory.get(name)

    def remember(self, name: str, value: str) -> None:
        self._may("remember")
        self.memory[name] = value

    def busy(self) -> tuple[int, int]:
        return self.times

    def processors(self) -> int:
        return 4

    def power(self, op: Literal["reboot", "shutdown"]) -> None:
        self._may("power")
        self.orders.append(op)

    def set_for_machine(self, value: Value) -> None:
        self.registry[value.key, value.name] = value.value

    def unset_for_machine(self, value: Value) -> None:
        self.registry.pop((value.key, value.name), None)

    def machine_value(self, key: str, name: str) -> str | int | None:
        return self.registry.get((key, name))

    def assign_access(self, configuration: str) -> None:
        self._may("assign_access")
        self.assigned.append(configuration)

    def add_service(self, plan: ServicePlan) -> None:
        self._may("add_service")
        self.services[plan.name] = plan

    def start_service(self, name: str) -> None:
        self.ran.append(["start", name])

    def remove_service(self, name: str) -> None:
        self.services.pop(name, None)

    def run(self, command: Sequence[str]) -> None:
        self._may("run")
        self.ran.append(command)


def task(user: str) -> str:
    """What the Task Scheduler writes."""
    return (
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">'
        f'<Principals><Principal id="Author"><UserId>{user}</UserId></Principal></Principals></Task>'
    )
