"""Puts a poste onto a machine with Windows, and takes it off again. Each step may be repeated.

`ppm kiosk install` has one function to call: `Installation(...).put()`; `remove()` for uninstall. The environment
that it runs in is a slot of `updating`, as on Linux: FOLDER/a or FOLDER/b.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import policies, seats, service
from kiosk_agent.platform.windows.calls import ServicePlan, Value, Windows
from kiosk_agent.platform.windows.places import Places
from kiosk_agent.updating import start

TASK = "Poste Public Manager"
_OURS = ("*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F")
"""All rights for the system and for administrators; with no inheritance, none for others."""
_BUTTONS = ("SCHEME_CURRENT", "SUB_BUTTONS", "PBUTTONACTION", "0")


@dataclass(frozen=True)
class Step:
    """What was done, or would be: `state` is done, kept, removed or, in a dry run, would."""

    what: str
    name: str
    state: str


@dataclass(frozen=True)
class Poste:
    """What a machine is to become, by the agent in this slot. `settings` are the lines of its file of settings."""

    slot: Path
    python: str = field(default_factory=lambda: str(getattr(sys, "_base_executable", sys.executable)))
    settings: Mapping[str, str] = field(default_factory=dict)


class Installation:
    """Makes a machine a poste, from its next start on. With `dry` it only says what it would do.

    `put` and `remove` raise PlatformError or OSError.
    """

    def __init__(
        self, windows: Windows, poste: Poste, places: Places | None = None, *, dry: bool = False
    ) -> None:
        self._windows = windows
        self._poste = poste
        self._folder = (places or Places.here()).program_data / "Poste Public Manager"
        self._slots = poste.slot.parent
        self._dry = dry

    @property
    def settings_file(self) -> Path:
        return self._folder / "ppm.env"

    def put(self) -> Iterator[Step]:
        """The automatic log-on comes last: what fails before leaves a machine that still asks who it is."""
        _refuse_no_slot(self._poste.slot)
        yield self._step("folder", str(self._folder), self._put_folder)
        yield self._put_settings()
        yield from self._put_slots()
        for account in seats.PUBLIC:
            yield self._step("account", account, partial(self._put_account, account))
        for value in _machine_values():
            yield self._step("policy", value.name, partial(self._windows.set_for_machine, value))
        yield self._step("power button", "does nothing", self._put_button)
        yield self._step("service", service.NAME, lambda: self._windows.add_service(self._plan()))
        yield self._step("task", TASK, lambda: self._windows.run(_task()))
        yield self._step("log-on", seats.PUBLIC[0], lambda: seats.invite(self._windows, seats.PUBLIC[0]))

    def remove(self) -> Iterator[Step]:
        """What is in our folder, settings and state, stays, and so do the slots: this runs in one of them."""
        yield self._step("log-on", "by itself", self._windows.stop_logging_on, "removed")
        yield self._step("task", TASK, lambda: self._windows.delete_task(f"\\{TASK}"), "removed")
        yield self._step(
            "service", service.NAME, lambda: self._windows.remove_service(service.NAME), "removed"
        )
        yield self._step("slots", str(self._slots), self._remove_slots, "removed")
        for value in _machine_values():
            yield self._step("policy", value.name, partial(self._windows.unset_for_machine, value), "removed")
        for account in seats.PUBLIC:
            yield self._step("account", account, partial(self._remove_account, account), "removed")

    # -------------------------------------------------------------- the steps

    def _step(self, what: str, name: str, do: Callable[[], None], state: str = "done") -> Step:
        if self._dry:
            return Step(what, name, "would")
        do()
        return Step(what, name, state)

    def _put_folder(self) -> None:
        """Closed to others before anything is in it: below ProgramData everybody may read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._windows.run(["icacls.exe", str(self._folder), "/inheritance:r", "/grant:r", *_OURS])

    def _put_settings(self) -> Step:
        if self.settings_file.exists():
            return Step("settings", str(self.settings_file), "kept")
        lines = "".join(f"{name}={value}\n" for name, value in self._poste.settings.items())
        return self._step("settings", str(self.settings_file), lambda: _write(self.settings_file, lines))

    def _put_slots(self) -> Iterator[Step]:
        """What starts the slots stands beside them. Which one is current is an update's to say, once it was said."""
        starter = self._slots / "start.py"
        yield self._step("starter", str(starter), lambda: _copy(Path(start.__file__), starter))
        if (self._slots / start.CURRENT).exists():
            yield Step("slot", str(self._slots / start.CURRENT), "kept")
            return
        first = partial(start.point, self._slots, self._poste.slot.name, start.WINDOWS)
        yield self._step("slot", str(self._poste.slot), first)

    def _remove_slots(self) -> None:
        for name in ("start.py", start.CURRENT, start.TRIAL, start.LAST_WORDS):
            (self._slots / name).unlink(missing_ok=True)
        shutil.rmtree(self._slots / "downloads", ignore_errors=True)

    def _put_account(self, name: str) -> None:
        self._windows.add_account(
            name, seats.new_password(), "A visitor of the public (Poste Public Manager)"
        )

    def _remove_account(self, name: str) -> None:
        sid = self._windows.sid(name)
        if self._windows.profile(sid) is not None:
            self._windows.delete_profile(sid)
        self._windows.remove_account(name)

    def _put_button(self) -> None:
        for how in ("/SETACVALUEINDEX", "/SETDCVALUEINDEX"):
            self._windows.run(["powercfg.exe", how, *_BUTTONS])
        self._windows.run(["powercfg.exe", "/SETACTIVE", "SCHEME_CURRENT"])

    def _plan(self) -> ServicePlan:
        """By the interpreter below the environment: the one in its folder starts that as a child, and Windows
        takes no word of a service from a process that it did not start itself."""
        starter = self._slots / "start.py"
        command = [self._poste.python, "-I", str(starter), str(self._slots), str(self.settings_file)]
        return ServicePlan(service.NAME, service.TITLE, service.ABOUT, command, service.AGAIN_AFTER_MS)


def _refuse_no_slot(slot: Path) -> None:
    if slot.name not in start.SLOTS:
        raise PlatformError(
            rf"{slot} is no slot of a poste: install it into C:\Program Files\Poste Public Manager\a, for example",
            "no_slot",
        )


def _machine_values() -> tuple[Value, ...]:
    return (*policies.machine(), *(policies.hidden(account) for account in seats.PUBLIC))


def _task() -> Sequence[str]:
    """Every five minutes: starts a service that somebody stopped; one that runs refuses."""
    start = f"sc.exe start {service.NAME}"
    return [
        "schtasks.exe",
        "/Create",
        "/F",
        "/TN",
        TASK,
        "/SC",
        "MINUTE",
        "/MO",
        "5",
        "/RU",
        "SYSTEM",
        "/TR",
        start,
    ]


def _copy(source: Path, place: Path) -> None:
    place.write_bytes(source.read_bytes())


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
