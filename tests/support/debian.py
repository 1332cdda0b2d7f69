"""A whole Debian 12 with its own systemd, in a container of this machine: what a poste is installed on.

The file system is made once and kept in .cache; each machine gets a layer of its own over it, in memory.
"""

import contextlib
import ctypes
import hashlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk_agent.platform.linux.install import PACKAGES
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
_CACHE = ROOT / ".cache"
_SEEN = ("python3", "python3-venv", "ca-certificates", "systemd-sysv", "procps", "xvfb", "xdotool")
"""What Debian needs beside the poste's packages: to start, to be a screen that nobody sees, and to have fingers."""
_BOOT_S = 60
_CLONE_NEWNET = 0x40000000
_INSIDE = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/up,workdir=$1/work" "$1/root"
# Of its own, and in memory: a container that ends cannot take away what it has on a disk there.
mkdir -p /run/systemd/nspawn
mount -t tmpfs none /run/systemd/nspawn
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$3/sh"
echo $$ > "/sys/fs/cgroup/$3/sh/cgroup.procs"
shift 3
ended=133  # it wants to be started again
while [ "$ended" = 133 ]; do
    ended=0
    setpriv --pdeathsig KILL systemd-nspawn --boot --quiet --register=no --keep-unit --console=pipe "$@" || ended=$?
done
exit "$ended"
"""
_numbers = itertools.count(1)
SLOTS = "/opt/poste-public"
PYTHON = f"{SLOTS}/a/bin/python"


def debian(packages: Sequence[str] = (*_SEEN, *PACKAGES)) -> Path:
    """The file system, from the cache or made now (a minute)."""
    names = ",".join(dict.fromkeys(packages))
    made = _CACHE / f"debian-{hashlib.sha256(names.encode()).hexdigest()[:12]}"
    if made.exists():
        return made
    _CACHE.mkdir(exist_ok=True)
    building = made.with_suffix(f".{os.getpid()}")
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={names}", "bookworm", str(building)]
    subprocess.run([*words[:-2], '--aptopt=APT::Install-Recommends "false"', *words[-2:]], check=True)
    try:
        building.rename(made)
    except OSError:  # another run was quicker
        shutil.rmtree(building)
    return made


class System:
    """A machine that runs this file system; a context manager. `options` are systemd-nspawn's."""

    def __init__(self, folder: Path, image: Path, *options: str) -> None:
        self._folder = folder
        self._image = image
        self._options = options
        self._name = f"ppm{os.getpid()}-{next(_numbers)}"
        self.pid = 0

    def __enter__(self) -> Self:
        self._folder.mkdir()
        self._log = (self._folder.parent / f"{self._folder.name}.log").open("wb")
        self._outer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private",
             "sh", "-c", _INSIDE, "sh", str(self._folder), str(self._image), self._name,
             "-D", str(self._folder / "root"), "-M", self._name, *self._options],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        self.wait_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pid and Path(f"/proc/{self.pid}").exists():
            told = self.run("journalctl", "--no-pager").stdout
            (self._folder.parent / f"{self._folder.name}.journal").write_text(told)
            os.kill(self.pid, signal.SIGRTMIN + 4)  # to a first process: power off
        try:
            self._outer.wait(20)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait(10)
        self._log.close()

    def wait_up(self) -> None:
        """Wait until it has started, again too."""
        before = self.pid
        self.pid = wait_until(lambda: self._first_process(before), _BOOT_S, "a first process")
        wait_until(self._is_up, _BOOT_S, "a system that is up")

    def _first_process(self, before: int) -> int:
        assert self._outer.poll() is None, (self._folder.parent / f"{self._folder.name}.log").read_text()
        nspawns = _children(self._outer.pid)
        inside = [
            child for nspawn in nspawns for child in _children(nspawn) if _command_of(child) == "systemd"
        ]
        return next((child for child in inside if child != before), 0)

    def _is_up(self) -> bool:
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    # -------------------------------------------------------------- in it

    def run(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A command as root."""
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        given = [f"{name}={value}" for name, value in environment.items()]
        entered = ["nsenter", "--target", str(self.pid), "--all"]
        return subprocess.run([*entered, *clean, *given, *words], capture_output=True, text=True, timeout=120)

    def do(self, *words: str, **environment: str) -> str:
        """What a command says; it must work."""
        ran = self.run(*words, **environment)
        assert ran.returncode == 0, f"{' '.join(words)}: {ran.stdout}{ran.stderr}"
        return ran.stdout.strip()

    def sh(self, script: str, **environment: str) -> str:
        return self.do("sh", "-c", script, **environment)

    def write(self, place: str, text: str) -> None:
        self.do("sh", "-c", 'mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"', "sh", place, text)

    def door(self, port: int, to_port: int) -> "Door":
        """The machine's own 127.0.0.1:port leads to 127.0.0.1:to_port out here, until it is shut."""
        return Door(self.pid, port, to_port)


class Debian(System):
    """One that has this checkout at /opt, and no network but its doors."""

    def __init__(self, folder: Path, binds: Mapping[Path, str] | None = None) -> None:
        packages = sysconfig.get_path("purelib", vars={"base": _packages_home()})
        super().__init__(
            folder / "machine", debian(), "--private-network",
            f"--bind-ro={ROOT}:/opt/checkout", f"--bind-ro={packages}:/opt/packages",
            *(f"--bind={here}:{there}" for here, there in (binds or {}).items()),
        )  # fmt: skip

    def __enter__(self) -> Self:
        super().__enter__()
        self._put_python()
        return self

    def _put_python(self) -> None:
        """A slot as a poste has one, whose packages are those of this checkout."""
        self.do("python3", "-m", "venv", f"{SLOTS}/a")
        lines = "/opt/checkout\n/opt/packages\n"
        self.write(f"{SLOTS}/a/lib/python3.{sys.version_info[1]}/site-packages/a.pth", lines)


class Door:
    """A relay whose listening end is in another machine's network; a context manager. Once shut it can open again."""

    def __init__(self, pid: int, port: int, to_port: int) -> None:
        self._pid, self._port, self._to_port = pid, port, to_port
        self._links: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def open(self) -> None:
        """Accept connections."""
        made: list[socket.socket] = []
        thread = threading.Thread(target=lambda: made.append(_listening(self._pid, self._port)))
        thread.start()
        thread.join()
        (self._listening,) = made
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Reset every connection, and accept no other."""
        for one in (self._listening, *self._links):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._links = []

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
                there = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            self._links += [here, there]
            for one, other in ((here, there), (there, here)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_pass, args=(one, other), daemon=True).start()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _listening(pid: int, port: int) -> socket.socket:
    """A socket in the network of that process; called in a thread of its own, which is moved there for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as network:
        if libc.setns(network.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


def _pass(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


def _packages_home() -> str:
    """Where msgspec and its like are: this environment, or the one that it uses."""
    import msgspec

    return str(Path(msgspec.__file__).parents[4])
