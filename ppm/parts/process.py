"""One program that runs as our child: started, watched, frozen, killed."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
_PORTS = range(15_000, 32_000)
_STEP_S = 0.02
_SAID_BYTES = 2_000


class PartError(Exception):
    """Something is wrong with a private part."""


class PartMissing(PartError):
    """A program is not on this machine."""


class PartFailed(PartError):
    """A program did not start, or did not answer in time."""


def free_port() -> int:
    """A port of the loopback that nobody listens on now.

    Below the ports that the kernel gives to outgoing connections: a client that reconnects to a part that is
    down could otherwise be given the part's own port, and talk to itself. Raises PartFailed.
    """
    for port in random.sample(_PORTS, 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise PartFailed("no free port on the loopback")


def accepts(port: int) -> bool:
    """Whether somebody listens on this port of the loopback."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


class Child:
    """A child process whose output goes to a file. Stopped and started again at will."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.command = [str(word) for word in command]
        self.log = log
        self._environment = environment
        self._user = user
        self._stop_with = stop_with
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises PartFailed when it was never started."""
        if self._process is None:
            raise PartFailed(f"{self.command[0]} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_leash(self._stop_with, self._user), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self._environment is None else {**os.environ, **self._environment},
                start_new_session=True,  # Ctrl-C in a terminal is for us: we stop our parts in order
            )

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once `ready` says so. Raises PartFailed when the child ends before, or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise PartFailed(f"{self.command[0]} ended at once:\n{self.said()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.command[0]} was not ready after {timeout_s:g} s:\n{self.said()}")
            time.sleep(_STEP_S)

    def said(self) -> str:
        """The end of what it wrote."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _SAID_BYTES))
            return log.read().decode(errors="replace").strip()

    def signal(self, what: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(what)

    def stop(self, timeout_s: float = 10) -> None:
        """Ask it to end; kill it when it has not after `timeout_s`. A frozen child is thawed first."""
        self.signal(signal.SIGCONT)
        self.signal(self._stop_with)
        self._reap(timeout_s)

    def kill9(self) -> None:
        """End it with no chance to save anything."""
        self.signal(signal.SIGKILL)
        self._reap(10)

    def _reap(self, timeout_s: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _leash(death: signal.Signals, user: str | None) -> list[str]:
    """The words before a command that end it with its parent, and run it as `user`.

    setpriv does it after the fork, in the child: no code of ours runs between fork and exec.
    """
    setpriv = shutil.which("setpriv", path=f"{os.environ.get('PATH', '')}:/usr/bin:/bin")
    if setpriv is None:
        if user is not None:
            raise PartMissing("setpriv is missing: apt-get install util-linux")
        return []
    words = [setpriv, "--pdeathsig", death.name.removeprefix("SIG")]
    if user is not None:
        words += ["--reuid", user, "--regid", user, "--clear-groups"]
    return [*words, "--"]
