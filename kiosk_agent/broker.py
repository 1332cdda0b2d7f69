"""Where the broker is, and what passes between the agent and its connection there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kiosk_agent.words import Fault


class Loop(Protocol):
    """The part of an event loop that the agent's timers and sockets use; a simulator may hold it still."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.Handle: ...
    def add_reader(self, fd: int, callback: Callable[[], object]) -> None: ...
    def remove_reader(self, fd: int) -> bool: ...
    def add_writer(self, fd: int, callback: Callable[[], object]) -> None: ...
    def remove_writer(self, fd: int) -> bool: ...


@dataclass(frozen=True)
class Tls:
    """The files of an encrypted connection. No `ca`: the system's; a certificate of one's own is optional."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Broker:
    """Where the broker is and who we are there.

    The client id is the username, as a broker of ours demands; `client_id` names another where many postes
    share an account of somebody else's broker. No username connects as nobody. A password in a file is read again
    for each connection: it may have been renewed.
    """

    host: str
    port: int
    username: str
    password: str
    tls: Tls | None = None
    keepalive_s: int = 10
    client_id: str = ""
    password_file: Path | None = None

    def password_at(self, attempt: int) -> str:
        """The password to try. While one is being renewed there are two, in turn: which one is good, the broker says.

        Raises OSError.
        """
        if self.password_file is None:
            return self.password
        files = [one for one in (next_to(self.password_file), self.password_file) if one.exists()]
        return files[attempt % len(files)].read_text(encoding="utf-8").strip() if files else self.password


def next_to(file: Path) -> Path:
    """Where a password that takes the place of the one in this file is kept, until the server has it."""
    return file.with_name(f"{file.name}.next")


@dataclass(frozen=True)
class Will:
    """What the broker says for us when we are gone."""

    topic: str
    payload: bytes


class Listener(Protocol):
    """Who is told what happens on the link. Nothing that it raises reaches paho."""

    def will(self) -> Will:
        """A connection is about to be made: its will."""

    def up(self) -> None:
        """Connected and subscribed."""

    def refused(self, fault: Fault) -> None:
        """A connection was not made; `fault` says why, where somebody can mend it."""

    def down(self) -> None:
        """Lost; told once for each `up`."""

    def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message arrived."""
