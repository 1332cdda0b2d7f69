"""Where Mosquitto's programs are: the system's, else Debian's packages unpacked into a cache of ours."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ppm.parts.process import PartMissing

_REMEDY = (
    "Mosquitto 2 is missing. Install it: apt-get install mosquitto mosquitto-clients (Debian, Ubuntu), "
    "dnf install mosquitto (Fedora), brew install mosquitto (macOS)"
)
_PACKAGES = ("mosquitto", "mosquitto-clients")
_UNPACKED = "mosquitto"
_MORE_PATH = "/usr/local/sbin:/usr/sbin:/opt/homebrew/sbin"  # not always in a user's own PATH


@dataclass(frozen=True)
class Binary:
    """Mosquitto's programs, and the folders of the libraries that the system has not."""

    broker: Path
    sub: Path
    pub: Path
    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What to add to the environment of each of the programs."""
        if not self.libraries:
            return {}
        return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in self.libraries)}


def find_mosquitto(cache: Path, say: Callable[[str], None] | None = None) -> Binary:
    """The system's Mosquitto, else the one in `cache`, downloading Debian's packages there when needed.

    Needs no root and touches nothing but `cache`. `say` is told what takes time. Raises PartMissing, with
    what to install, when there is no way.
    """
    return _on_system() or _in_cache(cache.resolve(), say or _to_stderr)


def _in_cache(cache: Path, say: Callable[[str], None]) -> Binary:
    with _alone(cache):
        if found := _in_folder(cache / _UNPACKED):
            return found
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            raise PartMissing(_REMEDY)
        say("Mosquitto is not installed here: fetching Debian's package into the cache")
        _obtain(cache)
        if found := _in_folder(cache / _UNPACKED):
            return found
    raise PartMissing(_REMEDY)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def _on_system() -> Binary | None:
    where = f"{os.environ.get('PATH', '')}:{_MORE_PATH}"
    paths = [shutil.which(name, path=where) for name in ("mosquitto", "mosquitto_sub", "mosquitto_pub")]
    broker, sub, pub = (Path(path) if path else None for path in paths)
    if broker is None or sub is None or pub is None:
        return None
    return Binary(broker, sub, pub)


def _in_folder(folder: Path) -> Binary | None:
    broker = folder / "usr/sbin/mosquitto"
    if not broker.exists():
        return None
    libraries = sorted({library.parent for library in folder.glob("usr/lib/**/lib*.so.*")})
    return Binary(
        broker, folder / "usr/bin/mosquitto_sub", folder / "usr/bin/mosquitto_pub", tuple(libraries)
    )


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the cache: two test workers would unpack over each other."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _obtain(cache: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache, prefix="unpack-") as name:
        work = Path(name)
        try:
            _download_somehow(work, cache)
        except subprocess.CalledProcessError as error:
            raise PartMissing(f"{_REMEDY}\n(apt-get said: {error.stderr.strip()})") from None
        root = work / "root"
        for package in sorted(work.glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(root)], work)
        root.rename(cache / _UNPACKED)


def _download_somehow(work: Path, cache: Path) -> None:
    try:
        _download(work, ())
    except subprocess.CalledProcessError:  # the system's lists are empty or stale: read our own
        _download(work, _own_lists(cache))


def _own_lists(cache: Path) -> tuple[str, ...]:
    lists, archives = cache / "apt/lists", cache / "apt/cache"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (archives / "archives/partial").mkdir(parents=True, exist_ok=True)
    options = ("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={archives}")
    _run(["apt-get", *options, "-qq", "update"], cache)
    return options


def _download(work: Path, options: Sequence[str]) -> None:
    packages = _missing_packages(options, work)
    sandbox = ("-o", "APT::Sandbox::User=root")  # as root, apt's own user could not write here
    _run(["apt-get", *options, *sandbox, "-qq", "download", *packages], work)


def _missing_packages(options: Sequence[str], work: Path) -> list[str]:
    """Mosquitto's packages, and the libraries below them that the system has not."""
    installed = set(_run(["dpkg-query", "-W", "-f", "${Package}\\n"], work).split())
    wanted: list[str] = []
    new = list(_PACKAGES)
    while new:
        wanted += new
        depends = _run(["apt-cache", *options, "depends", "--important", *new], work)
        names = set(re.findall(r"Depends: (lib[a-z0-9.+-]+)$", depends, re.MULTILINE))
        new = sorted(names - installed - set(wanted))
    return wanted


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, check=True, text=True, capture_output=True, env={**os.environ, "LC_ALL": "C"}
    )
    return done.stdout
