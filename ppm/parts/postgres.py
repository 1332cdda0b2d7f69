"""A private PostgreSQL: a cluster of one's own in a temporary folder."""

import getpass
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2
from psycopg2 import sql

from ppm.parts.process import LOOPBACK, Child, PartFailed, PartMissing, free_port

_REMEDY = "PostgreSQL's server is missing. Install it: apt-get install postgresql (Debian, Ubuntu)"
_SUPERUSER = "ppm"
_START_S = 30
_GONE_S = 10
_UNSAFE = {"fsync": "off", "full_page_writes": "off"}


def find_postgres() -> Path:
    """The folder of initdb and postgres, the newest one. Raises PartMissing."""
    folders = [Path(found).parent] if (found := shutil.which("postgres")) else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PartMissing(_REMEDY)


class PrivatePostgres:
    """A server of one's own on a free port of the loopback and a socket in its folder; a context manager.

    PostgreSQL refuses to run as root: it then runs as `postgres`, or as `nobody`. With `fsync=False` a commit
    survives `kill9`, but not the machine. `settings` are lines of postgresql.conf.
    """

    host = LOOPBACK
    user = _SUPERUSER

    def __init__(
        self,
        *,
        port: int = 0,
        fsync: bool = True,
        max_connections: int = 200,
        settings: Mapping[str, str] | None = None,
        parent: Path | None = None,
    ) -> None:
        self.port = port
        self.password = secrets.token_urlsafe(24)
        self._settings = {
            "max_connections": str(max_connections),
            "listen_addresses": LOOPBACK,
            "recovery_init_sync_method": "syncfs",  # file by file, a new cluster takes 5 s to recover
            **({} if fsync else _UNSAFE),
            **(settings or {}),
        }
        self._parent = parent
        self._folder: Path | None = None
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self.kill9()  # the folder goes: nothing is worth a last checkpoint
        self.remove()

    @property
    def folder(self) -> Path:
        """Where the cluster is. Raises PartFailed before the first start."""
        if self._folder is None:
            raise PartFailed("PostgreSQL was not started")
        return self._folder

    @property
    def pid(self) -> int:
        return self._running_child().pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Make the cluster the first time, and return once it answers. Raises PartMissing, PartFailed."""
        if self._child is None:
            self._child = self._make()
        self._child.start()
        try:
            self._child.wait_ready(self._answers, _START_S)
        except PartFailed:
            self.kill9()
            raise

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        if self._child is not None:
            self._child.stop()

    def kill9(self) -> None:
        """Kill every process of the server at once, as when the power goes."""
        child = self._running_child()
        child.signal(signal.SIGSTOP)  # else it starts its recovery between two of the kills
        backends = _children(child.pid) if child.running else []
        for backend in backends:
            _kill(backend)
        child.kill9()
        _wait_gone(backends)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        """Forget the cluster and all that is in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._child = None, None

    def url(self, database: str = "postgres") -> str:
        """For SQLAlchemy, over TCP."""
        return f"postgresql+psycopg2://{_SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """For psycopg2, over TCP."""
        return self.url(database).replace("+psycopg2", "", 1)

    def create_database(self, name: str, template: str | None = None) -> str:
        """A new database, a copy of `template` (which nobody may be connected to); its URL."""
        source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + source)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is still connected."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def said(self) -> str:
        """The end of the server's log."""
        return self._child.said() if self._child else ""

    def _running_child(self) -> Child:
        if self._child is None:
            raise PartFailed("PostgreSQL was not started")
        return self._child

    def _make(self) -> Child:
        binaries, user = find_postgres(), _other_user()
        self.port = self.port or free_port()
        parent = self._parent or ("/tmp" if user else None)  # noqa: S108  root's own TMPDIR is closed to others
        self._folder = folder = Path(tempfile.mkdtemp(prefix="ppm-postgres-", dir=parent))
        if user is not None:
            shutil.chown(folder, user)
        _make_cluster(binaries, folder, user, self.password)
        options = [word for name, value in self._options().items() for word in ("-c", f"{name}={value}")]
        return Child(
            [binaries / "postgres", "-D", folder / "data", *options],
            folder / "postgres.log",
            user=user,
            stop_with=signal.SIGINT,
        )

    def _options(self) -> dict[str, str]:
        return {"port": str(self.port), "unix_socket_directories": str(self.folder), **self._settings}

    def _answers(self) -> bool:
        try:
            with self._connection():
                return True
        except psycopg2.OperationalError:
            return False

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        connection = psycopg2.connect(self.dsn(), connect_timeout=5)
        try:
            yield connection
        finally:
            connection.close()

    def _administer(self, statement: sql.Composable) -> None:
        with self._connection() as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


def _make_cluster(binaries: Path, folder: Path, user: str | None, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if user is not None:
        shutil.chown(secret, user)
    command = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", _SUPERUSER]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    done = subprocess.run([*_as(user), *command], capture_output=True, text=True, cwd=folder)
    secret.unlink()
    if done.returncode != 0:
        raise PartFailed(f"initdb failed:\n{done.stderr.strip()}")


def _as(user: str | None) -> list[str]:
    return [] if user is None else ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"]


def _other_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise PartMissing(f"PostgreSQL does not run as {getpass.getuser()}, and there is no user postgres")


def _major(folder: Path) -> int:
    found = re.search(r"(\d+)/bin$", str(folder))
    return int(found[1]) if found else 0


def _children(parent: int) -> list[int]:
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _state_and_parent(pid)[1] == parent]


def _state_and_parent(pid: int) -> tuple[str, int]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended while we looked
        return "X", 0
    return fields[0], int(fields[1])


def _wait_gone(pids: list[int]) -> None:
    """Return once none of them runs: a new server refuses the memory that an old one still holds."""
    deadline = time.monotonic() + _GONE_S
    while any(_state_and_parent(pid)[0] not in "XZ" for pid in pids):
        if time.monotonic() > deadline:
            raise PartFailed("PostgreSQL's processes do not end")
        time.sleep(0.005)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
