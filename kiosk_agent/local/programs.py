"""How a window is started and ended, which each system does in its own way."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

LONGEST_LOG = 1 << 18


@dataclass(frozen=True)
class Launch:
    """How a window is started: the program, its environment, and the account if it is not ours."""

    command: Sequence[str]
    environment: Mapping[str, str]
    uid: int | None = None
    gid: int | None = None
    log: Path | None = None


class Program(Protocol):
    """One that was started."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """None while it runs."""

    async def end(self) -> None:
        """It is gone after this."""


class Programs(Protocol):
    """What a system does about programs."""

    async def start(self, launch: Launch) -> Program:
        """Returns when there is one, however long that takes. Raises OSError."""

    def is_alive(self, pid: int) -> bool: ...

    def kill(self, pid: int) -> None:
        """At once; one that is gone is fine."""


class Children:
    """Processes of our own, on POSIX."""

    async def start(self, launch: Launch) -> Program:
        output = _log(launch.log) if launch.log else None
        account: dict[str, Any] = {}
        if launch.uid is not None:
            account = {"user": launch.uid, "group": launch.gid, "extra_groups": []}
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command, env=dict(launch.environment), stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True, **account,
            )  # fmt: skip
        finally:
            if output is not None:
                output.close()
        return Child(process)

    def is_alive(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


class Child:
    """A process of our own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def end(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _log(path: Path) -> BinaryIO:
    """What a window says when it fails, kept within bounds."""
    long = path.exists() and path.stat().st_size > LONGEST_LOG
    return path.open("wb" if long else "ab")
