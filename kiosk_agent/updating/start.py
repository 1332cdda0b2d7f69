"""Starts the agent of the slot that is current, and goes back to the other one when a new version does not come up.

It stands outside the slots, as `start.py` beside them, and is the only thing that a unit or a service starts: nothing
of what is on trial is needed to leave it again. Standard library only, and it runs with the system's own Python.

    start.py FOLDER WORDS...      becomes FOLDER/current/bin/python -m ppm WORDS...

On Windows, which has no exec and takes the word of a service from no other process than the one that it started, the
agent's module runs in this very process, with the packages of the slot.

`update.json` has the trial: `slot` and `before` (the slots), `tries` and `most` (starts), `within_s`. A version on
trial that hangs is ended by an alarm, which survives the change of program, or by a thread of the interpreter's own,
which needs nobody to let it run; the agent turns it off once it is up.
"""

import faulthandler
import json
import os
import runpy
import signal
import site
import sys
from dataclasses import dataclass
from pathlib import Path

TRIAL = "update.json"
CURRENT = "current"
SLOTS = ("a", "b")
SERVICE = "ppm.windows_entry"
"""What is run of a slot on Windows."""
LAST_WORDS = "trial.log"


@dataclass(frozen=True)
class Layout:
    """Where an environment keeps things, what shows that it has all that the agent needs, and whether the system
    lets a link to a folder be replaced in one step."""

    python: str
    packages: str
    proof: tuple[str, ...]
    links: bool

    def packages_of(self, slot: Path) -> list[Path]:
        return list(slot.glob(self.packages))


POSIX = Layout("bin/python", "lib/python*/site-packages", ("-m", "ppm", "kiosk", "--help"), links=True)
WINDOWS = Layout("Scripts/python.exe", "Lib/site-packages", ("-c", "import ppm.windows_kiosk"), links=False)
HERE = WINDOWS if os.name == "nt" else POSIX


def settle(folder: Path, layout: Layout = HERE) -> int:
    """Count this start if a version is on trial, go back if it had its tries. The seconds that it has; 0: no end."""
    try:
        trial = json.loads((folder / TRIAL).read_text(encoding="utf-8"))
        on_trial = trial.get("stage") == "trial"
        tries, most, within = (
            int(trial.get("tries", 0)),
            int(trial.get("most", 1)),
            int(trial.get("within_s", 60)),
        )
        slots = set(SLOTS) >= {trial.get("slot"), trial.get("before")}
    except (OSError, ValueError, AttributeError, TypeError):
        return 0
    if not on_trial or not slots:
        return 0
    try:
        if tries >= most:
            point(folder, trial["before"], layout)
            write(folder, trial | {"stage": "rolled_back"})
            return 0
        write(folder, trial | {"tries": tries + 1})
    except OSError:
        pass  # a full disk: what is current is better than nothing
    return max(1, within)


def current(folder: Path) -> str:
    """The slot that is current. Raises OSError, or ValueError for what is none."""
    told = folder / CURRENT
    name = told.readlink().name if told.is_symlink() else told.read_text(encoding="ascii").strip()
    if name not in SLOTS:
        raise ValueError(f"{CURRENT} is {name[:20]}")
    return name


def point(folder: Path, slot: str, layout: Layout = HERE) -> None:
    """Make this slot the current one, in one step."""
    new = folder / f"{CURRENT}.new"
    new.unlink(missing_ok=True)
    if layout.links:
        new.symlink_to(slot)
    else:
        _write(new, slot)
    new.replace(folder / CURRENT)


def write(folder: Path, trial: dict[str, object]) -> None:
    """Keep it so that a power cut leaves the old one or the new one."""
    new = folder / f"{TRIAL}.new"
    _write(new, json.dumps(trial))
    new.replace(folder / TRIAL)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def came_up() -> None:
    """Whoever is on trial is up: nothing ends it any more."""
    faulthandler.cancel_dump_traceback_later()
    if sys.platform != "win32":
        signal.alarm(0)


def become(folder: Path, words: list[str], seconds: int) -> None:
    """The agent takes the place of this program."""
    if sys.platform != "win32":
        signal.alarm(seconds)
    python = str(folder / CURRENT / POSIX.python)
    os.execv(python, [python, "-m", "ppm", *words])  # noqa: S606


def be(folder: Path, words: list[str], seconds: int) -> None:
    """Be the agent, in this process. The window is started by the slot's own interpreter, which `sys` tells it."""
    slot = folder / current(folder)
    if seconds:
        faulthandler.dump_traceback_later(seconds, exit=True, file=(folder / LAST_WORDS).open("w"))
    sys.executable = str(slot / WINDOWS.python)
    sys.argv = [str(folder / "start.py"), *words]
    for packages in WINDOWS.packages_of(slot):
        site.addsitedir(str(packages))
    runpy.run_module(SERVICE, run_name="__main__")


def main(words: list[str]) -> None:
    """Start what is current."""
    folder = Path(words[0]).resolve()
    (become if HERE.links else be)(folder, words[1:], settle(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
