"""Puts a poste onto a Debian machine, and takes it off again: accounts, files, units. Each step may be repeated.

The environment that it runs in is a slot of `updating`: FOLDER/a or FOLDER/b. The agent's unit starts the slots.

files/    ours: written again whenever they differ. A name of a file is its place, below /
site/     the site's own: written where they are missing, and then left alone
"""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiosk_agent.updating import start

OURS = Path(__file__).with_name("files")
SITES = Path(__file__).with_name("site")
SETTINGS = Path("/etc/poste-public/ppm.env")
STATE = Path("/var/lib/poste-public")
SCREEN_GROUP = "poste-screen"
AGENT_UNIT = "ppm-kiosk.service"
UNITS = (AGENT_UNIT, "ppm-screen.service", "ppm-visitor.service", "ppm-home.service")
MASKED = ("getty@tty1.service", "autovt@.service", "ctrl-alt-del.target", "debug-shell.service")
"""What would open another way into the machine."""
PACKAGES = (
    "python3", "dbus", "libpam-systemd", "xserver-xorg-core", "xserver-xorg-input-libinput", "xauth", "x11-xkb-utils",
    "openbox", "fonts-dejavu-core", "libegl1", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1",
    "libxcb-shape0", "libxss1", "libxkbcommon-x11-0",
)  # fmt: skip

_VISITOR = ("--shell", "/bin/bash", "--groups", SCREEN_GROUP)
_WINDOW = ("--system", "--shell", "/usr/sbin/nologin", "--home-dir", "/nonexistent", "--gid", SCREEN_GROUP)
"""The window has no other group than that of the screen: its agent starts it with its first group alone."""


class InstallError(Exception):
    """The machine cannot be made a poste; the message says what to do."""


@dataclass(frozen=True)
class Step:
    """What was done, or would be: `state` is done, already, kept, removed or, in a dry run, would."""

    what: str
    name: str
    state: str


@dataclass(frozen=True)
class Poste:
    """What a machine is to become, by the agent in this slot. `settings` are the lines of its file of settings."""

    visitor: str
    window: str
    slot: Path
    settings: Mapping[str, str] = field(default_factory=dict)


class Installation:
    """Makes a machine a poste. With `dry` it only says what it would do."""

    def __init__(self, poste: Poste, *, dry: bool, packages: bool = True, root: Path = Path("/")) -> None:
        self.poste = poste
        self._dry = dry
        self._packages = packages
        self._root = root
        self._changed = False

    def put(self) -> Iterator[Step]:
        """Do what is not done yet, one step after the other. Raises InstallError or OSError."""
        _refuse_others()
        _refuse_no_slot(self.poste.slot)
        if self._packages:
            yield from self._put_packages()
        yield self._put_group()
        yield self._put_account(self.poste.window, *_WINDOW)
        yield self._put_account(self.poste.visitor, *_VISITOR, "--home-dir", f"/home/{self.poste.visitor}")
        yield from self._put_folders()
        yield from self._put_slots()
        for place, text, mode in self._files(OURS):
            yield self._write("file", place, text, mode)
        for place, text, mode in self._files(SITES):
            yield self._write_once("site file", place, text, mode)
        yield self._write_once("settings", SETTINGS, self._settings(), 0o600)
        yield from self._mask()
        yield from self._put_units()

    def remove(self) -> Iterator[Step]:
        """Take ours off: units, files, accounts. What is the site's, settings, state and the slots themselves stay."""
        _refuse_others()
        yield self._run("unit", AGENT_UNIT, "removed", "systemctl", "disable", "--now", *UNITS[:2])
        yield self._run("unit", "ppm-visitor.service", "removed", "systemctl", "stop", *UNITS[2:])
        for name in MASKED:
            yield self._run("unmask", name, "removed", "systemctl", "unmask", name)
        for place, _, _ in self._files(OURS):
            yield self._delete(place)
        yield from self._remove_slots()
        for account in (self.poste.visitor, self.poste.window):
            if _uid(account) is not None:
                yield self._run("account", account, "removed", "userdel", account)
        yield self._run("units", "systemd", "removed", "systemctl", "daemon-reload")

    # -------------------------------------------------------------- accounts and packages

    def _put_packages(self) -> Iterator[Step]:
        missing = [name for name in PACKAGES if not _is_installed(name)]
        if not missing:
            yield Step("packages", f"{len(PACKAGES)} of Debian", "already")
            return
        install = ("apt-get", "install", "-y", "--no-install-recommends", *missing)
        yield self._run("packages", " ".join(missing), "done", *install)

    def _put_group(self) -> Step:
        try:
            grp.getgrnam(SCREEN_GROUP)
        except KeyError:
            return self._run("group", SCREEN_GROUP, "done", "groupadd", "--system", SCREEN_GROUP)
        return Step("group", SCREEN_GROUP, "already")

    def _put_account(self, name: str, *how: str) -> Step:
        """An account that nobody can log in to: its password is locked."""
        if _uid(name) is None:
            return self._run("account", name, "done", "useradd", "--no-create-home", *how, name)
        if not _is_member(name, SCREEN_GROUP):
            return self._run("account", name, "done", "usermod", "--append", "--groups", SCREEN_GROUP, name)
        return Step("account", name, "already")

    # -------------------------------------------------------------- files

    def _put_folders(self) -> Iterator[Step]:
        """The visitor's home is where a file system in memory is mounted; nothing is ever in it else."""
        home = Path("/home") / self.poste.visitor
        for place, mode in ((home, 0o755), (STATE, 0o700), (SETTINGS.parent / "skeleton", 0o755)):
            real = self._at(place)
            if real.is_dir():
                yield Step("folder", str(place), "already")
                continue
            if not self._dry:
                real.mkdir(parents=True, mode=mode)
            yield Step("folder", str(place), self._did("done"))

    def _put_slots(self) -> Iterator[Step]:
        """What starts the slots stands beside them. Which one is current is an update's to say, once it was said."""
        folder = self.poste.slot.parent
        yield self._write("starter", folder / "start.py", Path(start.__file__).read_text(), 0o644)
        current = self._at(folder / "current")
        if current.exists():
            yield Step("slot", str(current.resolve()), "already")
            return
        if not self._dry:
            start.point(current.parent, self.poste.slot.name)
        yield Step("slot", str(self.poste.slot), self._did("done"))

    def _remove_slots(self) -> Iterator[Step]:
        """What starts the slots, and what an update left. The slots stay: this runs in one of them."""
        folder = self.poste.slot.parent
        for name in ("start.py", "current", start.TRIAL):
            yield self._delete(folder / name)
        downloads = folder / "downloads"
        if self._at(downloads).is_dir():
            if not self._dry:
                shutil.rmtree(self._at(downloads))
            yield Step("folder", str(downloads), self._did("removed"))

    def _files(self, tree: Path) -> Iterator[tuple[Path, str, int]]:
        """Where each goes, what is in it, and its mode."""
        words = self._words()
        for one in sorted(tree.rglob("*")):
            if one.is_file():
                place = Path("/") / _filled(str(one.relative_to(tree)), words)
                executable = one.stat().st_mode & 0o100
                yield place, _filled(one.read_text(), words), 0o755 if executable else 0o644

    def _words(self) -> dict[str, str]:
        uid = _uid(self.poste.visitor)
        return {
            "VISITOR": self.poste.visitor, "HOME": f"/home/{self.poste.visitor}",
            "SLOTS": str(self.poste.slot.parent), "SCREEN_GROUP": SCREEN_GROUP,
            "UID": "UID" if uid is None else str(uid),
        }  # fmt: skip

    def _settings(self) -> str:
        lines = [f"{name}={value}" for name, value in self.poste.settings.items()]
        return "\n".join(["# The settings of this poste: docs/settings.md has all of them.", *lines, ""])

    def _write_once(self, what: str, place: Path, text: str, mode: int) -> Step:
        if self._at(place).exists():
            return Step(what, str(place), "kept")
        return self._write(what, place, text, mode)

    def _write(self, what: str, place: Path, text: str, mode: int) -> Step:
        real = self._at(place)
        if real.exists() and real.read_text() == text and real.stat().st_mode & 0o777 == mode:
            return Step(what, str(place), "already")
        self._changed = True
        if not self._dry:
            real.parent.mkdir(parents=True, exist_ok=True)
            new = real.with_name(f".{real.name}.new")
            new.touch(mode=0o600)
            new.write_text(text)
            new.chmod(mode)
            new.replace(real)
        return Step(what, str(place), self._did("done"))

    def _delete(self, place: Path) -> Step:
        real = self._at(place)
        if not real.exists() and not real.is_symlink():
            return Step("file", str(place), "already")
        if not self._dry:
            real.unlink()
            if real.parent.suffix == ".d" and not any(real.parent.iterdir()):
                real.parent.rmdir()
        return Step("file", str(place), self._did("removed"))

    def _at(self, place: Path) -> Path:
        return self._root / place.relative_to("/")

    # -------------------------------------------------------------- units

    def _mask(self) -> Iterator[Step]:
        for name in MASKED:
            masked = self._at(Path("/etc/systemd/system") / name)
            if masked.is_symlink() and str(masked.readlink()) == os.devnull:
                yield Step("mask", name, "already")
            else:
                yield self._run("mask", name, "done", "systemctl", "mask", name)

    def _put_units(self) -> Iterator[Step]:
        if not self._changed:
            yield Step("units", AGENT_UNIT, "already")
            return
        yield self._run("units", "systemd", "done", "systemctl", "daemon-reload")
        yield self._run("units", "systemd-logind", "done", "systemctl", "kill", "-s", "HUP", "systemd-logind")
        yield self._run("sysctl", "90-poste-public.conf", "done", "/lib/systemd/systemd-sysctl")
        yield self._run("units", AGENT_UNIT, "done", "systemctl", "enable", *UNITS[:1])

    def _run(self, what: str, name: str, state: str, *words: str) -> Step:
        if not self._dry:
            ran = subprocess.run(words, capture_output=True, text=True, env=_quiet())
            if ran.returncode != 0:
                raise InstallError(f"{' '.join(words[:3])}: {ran.stderr.strip() or ran.returncode}")
        return Step(what, name, self._did(state))

    def _did(self, state: str) -> str:
        return "would" if self._dry else state


def _refuse_others() -> None:
    if shutil.which("systemctl") is None or shutil.which("useradd") is None:
        raise InstallError("this is no Debian machine with systemd")


def _refuse_no_slot(slot: Path) -> None:
    if slot.name not in start.SLOTS:
        raise InstallError(f"{slot} is no slot of a poste: install it into /opt/poste-public/a, for example")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _is_member(name: str, group: str) -> bool:
    try:
        found = grp.getgrnam(group)
    except KeyError:
        return False
    return name in found.gr_mem or pwd.getpwnam(name).pw_gid == found.gr_gid


def _is_installed(package: str) -> bool:
    words = ("dpkg-query", "-W", "-f", "${db:Status-Status}", package)
    return subprocess.run(words, capture_output=True, text=True).stdout == "installed"


def _quiet() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
