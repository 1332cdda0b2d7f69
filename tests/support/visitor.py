"""A real account on this machine, and a place of its own where it may leave what it likes.

The place has the machine's root, home included, under mounts and queues that nobody else sees: a clean-up that goes
there meets nothing of who works on this machine.
"""

import contextlib
import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.waiting import wait_until

_FINDER = Path(__file__).with_name("finder.py")
_FRESH = (
    "set -e; mount --make-rprivate /; mount --bind $CHECKOUT /mnt; "
    "for one in /tmp /var/tmp /dev/shm /run /var/mail /media /var/lib/systemd /var/log; do"
    "  mount -t tmpfs -o mode=$(stat -c %a $one) place $one; done; "
    "for one in /var/spool /var/cache/cups /etc/cups; do"
    "  copy=$(mktemp -d); cp -a $one/. $copy; mount -t tmpfs -o mode=$(stat -c %a $one) place $one;"
    "  cp -a $copy/. $one; done; "
    "test -e $CHECKOUT/pyproject.toml || { mkdir -p $CHECKOUT; mount --bind /mnt $CHECKOUT; }; umount /mnt; "
    "echo ready; exec sleep 86400"
)
_CHECKOUT = Path(__file__).resolve().parent.parent.parent
"""Where this is. It stays to be seen, though it may be in a folder that the place has anew."""


class Visitor:
    """An account made for the tests, removed at the end: `with Visitor("name") as visitor`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> "Visitor":
        _run("useradd", "--create-home", "--shell", "/bin/bash", self.name)
        account = pwd.getpwnam(self.name)
        self.uid, self.gid, self.home = account.pw_uid, account.pw_gid, Path(account.pw_dir)
        self.home.chmod(0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _run("userdel", "--remove", "--force", self.name, check=False)


class Place:
    """Mounts, queues and shared memory that belong to a test: `with Place(visitor) as place`."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self._began: list[subprocess.Popen[bytes]] = []
        self._served: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Place":
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--ipc", "sh", "-c", _FRESH], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "CHECKOUT": str(_CHECKOUT)},
        )  # fmt: skip
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.pid = self._holder.pid
        runtime = f"/run/user/{self.visitor.uid}"
        self.root(
            f"mkdir -p {runtime} && mount -t tmpfs -o mode=700,uid={self.visitor.uid} runtime {runtime}"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.user("kill -9 -1")
        for served in self._served:
            served.terminate()
        for began in (*self._served, *self._began):
            began.wait(10)
        self._holder.kill()
        self._holder.communicate()
        wait_until(self._is_empty, 60, "the dead are buried: the next test starts with nobody")

    def root(self, script: str, **options: Any) -> str:
        """Have the machine do something there. Gives what it said."""
        return self._enter("sh", "-c", script, **options)

    def user(self, script: str, **options: Any) -> str:
        """Have the visitor do something there."""
        return self._enter(*self._as_user, "bash", "-c", script, **options)

    def python(self, script: str, *words: str) -> str:
        """Have the visitor run a program there."""
        return self._enter(*self._as_user, sys.executable, "-c", script, *words)

    def serve(self, *words: str) -> None:
        """Let a service of the machine run there."""
        began = subprocess.Popen([*self._nsenter, *words], cwd="/", env=self._environment)
        self._served.append(began)

    def outside(self, *words: str) -> str:
        """Run something where the agent of this machine runs."""
        return _run(*words)

    def start(self, *words: str) -> None:
        """Have the visitor begin something that says a line and goes on."""
        began = subprocess.Popen(
            [*self._nsenter, *self._as_user, *words], stdout=subprocess.PIPE, start_new_session=True,
            cwd="/", env=self._environment,
        )  # fmt: skip
        assert began.stdout is not None
        assert began.stdout.readline().strip()
        began.stdout.close()
        self._began.append(began)

    def finds(self) -> list[str]:
        """What is there of the visitor, as a stranger sees it who knows nothing of the clean-up."""
        who = self.visitor
        told = self._enter("python3", str(_FINDER), who.name, str(who.uid), str(who.home))
        return told.splitlines()

    def _is_empty(self) -> bool:
        return not _run("ps", "-U", str(self.visitor.uid), "-o", "pid=", check=False).strip()

    @property
    def _as_user(self) -> Sequence[str]:
        who = self.visitor
        return ("setpriv", f"--reuid={who.uid}", f"--regid={who.gid}", "--clear-groups", "--inh-caps=-all")

    @property
    def _nsenter(self) -> Sequence[str]:
        return ("nsenter", f"--target={self.pid}", "--mount", "--ipc")

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.visitor.home), "LC_ALL": "C.UTF-8"}

    def _enter(self, *words: str, **options: Any) -> str:
        return _run(*self._nsenter, *words, env=self._environment, cwd="/", **options)


def _run(*words: str, check: bool = True, **options: Any) -> str:
    done = subprocess.run(words, check=False, capture_output=True, **options)
    said: str = done.stdout.decode()
    complaint = done.stderr.decode(errors="replace")
    if check and done.returncode:
        raise subprocess.CalledProcessError(done.returncode, words, said, complaint)
    return said
