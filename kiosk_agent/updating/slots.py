"""Two environments side by side, `a` and `b`, and a link `current` to the one that runs.

FOLDER/a FOLDER/b     environments, with pip in them
FOLDER/current        which one is started: a link, or on Windows a file with its name
FOLDER/start.py       starts it: see `start`
FOLDER/update.json    the update that is wanted, on trial, or over and not told yet
FOLDER/downloads      what came from the server, whole or in part
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from kiosk_agent.updating import start
from kiosk_agent.updating.fetch import Interrupted
from kiosk_agent.updating.release import UpdateRefused
from kiosk_agent.updating.start import Layout

TRIES, WITHIN_S = 2, 120
"""How often a new version is started, and how long it has each time to be locked and to reach the broker."""
_LONGEST_S = 300.0
_STEP_S = 0.1
_VERSION = "from kiosk_agent.version import software; print(software())"


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered, and how far it is. `slot` and `before` are set once it is on trial."""

    stage: Literal["wanted", "trial", "rolled_back"]
    command: str
    version: str
    sha256: str
    slot: str = ""
    before: str = ""
    tries: int = 0
    most: int = TRIES
    within_s: int = WITHIN_S


class Slots:
    """The folder of the slots. What cannot be read there is not there."""

    def __init__(self, folder: Path, layout: Layout = start.HERE) -> None:
        self.folder = folder
        self.layout = layout

    @property
    def current(self) -> str:
        """Raises UpdateRefused where there are no slots."""
        try:
            return start.current(self.folder)
        except (OSError, ValueError) as error:
            raise UpdateRefused("no_slots", str(error)) from None

    @property
    def other(self) -> str:
        return "b" if self.current == "a" else "a"

    # -------------------------------------------------------------- what is written of an update

    def update(self) -> Update | None:
        try:
            return msgspec.json.decode((self.folder / start.TRIAL).read_bytes(), type=Update)
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, update: Update) -> None:
        """Raises OSError."""
        start.write(self.folder, msgspec.to_builtins(update))

    def forget(self) -> None:
        """It is over, and told. Raises OSError."""
        (self.folder / start.TRIAL).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "downloads", ignore_errors=True)

    # -------------------------------------------------------------- another version

    def prepare(self, wheel: Path, version: str, may_go_on: Callable[[], bool]) -> None:
        """Make the other slot one with this version, whose packages are those that run here.

        Raises UpdateRefused; Interrupted when the machine is needed meanwhile. Nothing that runs is touched.
        """
        here, there = self.folder / self.current, self.folder / self.other
        shutil.rmtree(there, ignore_errors=True)
        run = _Commands(may_go_on)
        ours, theirs = here / self.layout.python, there / self.layout.python
        run(ours, "-m", "venv", "--without-pip", there)
        for packages in self.layout.packages_of(here):
            same = there / packages.relative_to(here)
            shutil.copytree(packages, same, copy_function=_linked, dirs_exist_ok=True)
        pip = (ours, "-m", "pip", "--disable-pip-version-check", "--python", theirs)
        run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", wheel)
        run(*pip, "check", reason="needs_packages")
        if run(theirs, "-c", _VERSION) != version:
            raise UpdateRefused("wrong_version", f"it is not {version}")
        run(theirs, *self.layout.proof, reason="needs_packages")

    def switch(self, update: Update) -> None:
        """Have the other slot started next, on trial. Raises OSError."""
        slot, before = self.other, self.current
        trial = msgspec.structs.replace(update, stage="trial", slot=slot, before=before, tries=0)
        self.keep(trial)
        start.point(self.folder, slot, self.layout)


class _Commands:
    """Runs programs that give way: they are ended when somebody needs the machine."""

    def __init__(self, may_go_on: Callable[[], bool]) -> None:
        self._may_go_on = may_go_on

    def __call__(self, *words: str | Path, reason: str = "not_installed") -> str:
        """What it said. Raises UpdateRefused with `reason` when it failed."""
        command = [str(word) for word in words]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))
        }
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment, cwd="/",
        ) as process:  # fmt: skip
            said = self._waited(process)
        if process.returncode != 0:
            raise UpdateRefused(reason, said.strip()[-300:])
        return said.strip()

    def _waited(self, process: "subprocess.Popen[str]") -> str:
        left = _LONGEST_S
        while True:
            try:
                return process.communicate(timeout=_STEP_S)[0]
            except subprocess.TimeoutExpired:
                left -= _STEP_S
                if left <= 0 or not self._may_go_on():
                    process.kill()
                    process.communicate()
                    raise (
                        Interrupted("the machine is needed") if left > 0 else UpdateRefused("too_long")
                    ) from None


def _linked(source: str, target: str) -> None:
    """One file on the disk for both slots: whoever installs writes a new file, and never into an old one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
