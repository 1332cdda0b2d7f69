"""The images of docker/Dockerfile as plain root file systems, and the services of docker/compose.yml started in them.

What there is no Docker for here: its registry, its networks and its own sandbox. What it would run is run.
"""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.debian import debian

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker/compose.yml"
ACCOUNT = "10001"
_INSIDE = """
set -e
mount --bind /dev "$1/dev"
mount -t proc proc "$1/proc"
cp /etc/resolv.conf "$1/etc/"
exec chroot "$1" sh -c "$2"
"""
_ASKED = re.compile(r"\$\{(\w+):\?\}")


@dataclass
class Image:
    """A root file system, and how what is in it is started."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def context() -> list[Path]:
    """The files of this folder that .dockerignore lets into an image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "nothing, but what is named"
    assert all(line.startswith("!") for line in lines[1:])
    return [path for line in lines[1:] for path in sorted(ROOT.glob(line[1:]))]


def build(folder: Path) -> dict[str, Image]:
    """Every stage of the Dockerfile, by its name, on a Debian without anything."""
    made: dict[str, Image] = {}
    name = ""
    for word, rest in _instructions():
        if word == "FROM":
            _, _, name = rest.split()
            made[name] = Image(folder / name)
            subprocess.run(["cp", "--archive", str(debian(("apt", "sed"))), str(made[name].root)], check=True)
        else:
            _STEPS[word](made[name], rest, made)
    return made


def _instructions() -> Iterator[tuple[str, str]]:
    text = (ROOT / "docker/Dockerfile").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def _run(image: Image, rest: str, _: Mapping[str, Image]) -> None:
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _INSIDE, "sh", str(image.root), rest],
        env=clean,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"RUN {rest}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"


def _copy(image: Image, rest: str, made: Mapping[str, Image]) -> None:
    words = rest.split()
    origin = made[words.pop(0).removeprefix("--from=")].root if words[0].startswith("--from=") else None
    *sources, to = words
    target = image.root / to.lstrip("/")
    for source in sources:
        if origin is not None:
            shutil.copytree(origin / source.lstrip("/"), target, symlinks=True, dirs_exist_ok=True)
            continue
        for path in _given(source):
            if path.suffix == ".tar":
                with tarfile.open(path) as archive:
                    archive.extractall(target, filter="data")
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def _given(pattern: str) -> list[Path]:
    """What of the context has that name; something must."""
    found = [path for path in context() if fnmatch.fnmatch(str(path.relative_to(ROOT)), pattern)]
    assert found, f"{pattern} is not in the context: see .dockerignore"
    return found


def _set(image: Image, rest: str, _: Mapping[str, Image]) -> None:
    image.environment |= dict(word.split("=", 1) for word in shlex.split(rest))


def _user(image: Image, rest: str, _: Mapping[str, Image]) -> None:
    image.user = rest


def _entrypoint(image: Image, rest: str, _: Mapping[str, Image]) -> None:
    image.entrypoint = yaml.safe_load(rest)


def _command(image: Image, rest: str, _: Mapping[str, Image]) -> None:
    image.command = yaml.safe_load(rest)


_STEPS = {
    "RUN": _run, "COPY": _copy, "ADD": _copy, "ENV": _set, "USER": _user, "ENTRYPOINT": _entrypoint, "CMD": _command,
}  # fmt: skip


class Composed:
    """The services of the compose file, in a network of their own."""

    def __init__(self, images: Mapping[str, Image], folder: Path, **asked: str) -> None:
        text = _ASKED.sub(lambda found: asked[found[1]], COMPOSE.read_text())
        self.services: dict[str, Any] = yaml.safe_load(text)["services"]
        self._images, self._folder = images, folder
        self.pid = 0

    @contextmanager
    def network(self) -> Iterator[None]:
        """Hold a network and the file systems: read-only, but for the volumes and /tmp, as compose says."""
        script = ["set -e", "ip link set lo up"]
        for name in ("server", "broker", "proxy"):
            root = shlex.quote(str(self._images[name].root))
            script += [
                f"mount --bind {root} {root}",
                f"mount --bind /dev {root}/dev",
                f"mount -t proc proc {root}/proc",
            ]
            for volume in ("pki", "broker", "passwords", "backups"):
                here = self._folder / volume
                here.mkdir(mode=0o700, exist_ok=True)
                os.chown(here, int(ACCOUNT), int(ACCOUNT))
                (self._images[name].root / "srv" / volume).mkdir(parents=True, exist_ok=True)
                script.append(f"mount --bind {shlex.quote(str(here))} {root}/srv/{volume}")
            (self._images[name].root / "run/secrets").mkdir(parents=True, exist_ok=True)
            script += [f"mount --bind {shlex.quote(str(self._folder / 'secrets'))} {root}/run/secrets"]
            script += [f"mount -o remount,bind,ro {root}", f"mount -t tmpfs -o mode=1777 none {root}/tmp"]
            hosts = "127.0.0.1 localhost broker api database\n"
            (self._images[name].root / "etc/hosts").write_text(hosts)
        script.append("echo ready; exec sleep 3600")
        holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", "\n".join(script)], stdout=subprocess.PIPE, text=True
        )
        self.pid = holder.pid
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            holder.kill()
            holder.communicate()

    def _words(self, name: str, *instead: str) -> list[str]:
        """How that service is started, or other words in its place."""
        service = self.services[name]
        image = self._images[service["image"].rpartition("/")[2]]
        assert image.user == ACCOUNT
        given = {
            **image.environment,
            **{key: str(value) for key, value in service.get("environment", {}).items()},
        }
        started = [*service.get("entrypoint", image.entrypoint), *(service.get("command") or image.command)]
        entered = ["nsenter", "--target", str(self.pid), "--net", "--mount"]
        inside = ["chroot", f"--userspec={ACCOUNT}:{ACCOUNT}", str(image.root), "env", "-i"]
        told = [f"{key}={value}" for key, value in {"PATH": "/usr/sbin:/usr/bin:/bin", **given}.items()]
        return [*entered, *inside, *told, *(instead or started)]

    def run(self, name: str, *instead: str, stdin: str = "") -> str:
        """Run a service to its end, or other words in its place; it must go well."""
        ran = subprocess.run(
            self._words(name, *instead), input=stdin, capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == 0, f"{name} {' '.join(instead)}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    @contextmanager
    def started(self, *names: str) -> Iterator[None]:
        """These services run for the length of a block."""
        running = []
        for name in names:
            log = (self._folder / f"{name}.log").open("wb")
            running.append(
                subprocess.Popen(self._words(name), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            )
        try:
            yield
        finally:
            for one in reversed(running):
                one.terminate()
            for one in running:
                one.wait(20)

    def is_healthy(self, name: str) -> bool:
        """What the health check of that service says now."""
        _, *words = self.services[name]["healthcheck"]["test"]
        return subprocess.run(self._words(name, *words), capture_output=True, timeout=60).returncode == 0
