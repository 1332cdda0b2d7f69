"""What a technician at the machine asks its agent, from a terminal or at the lock screen, and how."""

import socket
import sys
from pathlib import Path, PurePath
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

FILE = "technician.sock"
MOST_S = 3_600
"""For how long a technician may open a machine at once."""
SHORTEST_REASON, LONGEST_REASON = 3, 300
LONGEST_LINE = 4_096
PATIENCE_S = 10.0


class Unlock(Struct, frozen=True, kw_only=True, tag_field="op", tag="unlock"):
    """Open the machine for so long.

    `at_screen`: typed at the lock screen, where anybody may stand. The secret is asked for then whatever account the
    window has.
    """

    reason: Annotated[str, Meta(min_length=SHORTEST_REASON, max_length=LONGEST_REASON)]
    seconds: Annotated[int, Meta(ge=1, le=MOST_S)]
    secret: Annotated[str, Meta(max_length=256)] = ""
    at_screen: bool = False


class Close(Struct, frozen=True, kw_only=True, tag_field="op", tag="lock"):
    """The technician is done."""

    secret: Annotated[str, Meta(max_length=256)] = ""


class Look(Struct, frozen=True, kw_only=True, tag_field="op", tag="look"):
    """How is the agent?"""

    secret: Annotated[str, Meta(max_length=256)] = ""


Asked = Unlock | Close | Look


class Answer(Struct, frozen=True, kw_only=True):
    """What became of it; `refused` is a word: `forbidden`, `wait`, `session_here`, `cleaning`, `open_already`..."""

    refused: str | None = None
    wait_s: int = 0
    phase: str = ""
    online: bool = False
    software: str = ""


def beside(window: PurePath) -> Path:
    """Where the agent listens for technicians: beside where it meets its window, a socket or a pipe."""
    if sys.platform == "win32":
        return Path(f"{window}-technician")
    return Path(window.parent, FILE)


def ask(where: Path, asked: Asked) -> Answer:
    """Ask the agent of this machine. Raises OSError, or ValueError for an answer of another kind."""
    return msgspec.json.decode(_said(where, msgspec.json.encode(asked) + b"\n"), type=Answer)


def _said(where: Path, line: bytes) -> bytes:
    if sys.platform == "win32":
        from kiosk_agent.platform.windows.real.pipes import ask_system

        return ask_system(str(where), line, LONGEST_LINE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(where))
        connection.sendall(line)
        with connection.makefile("rb") as lines:
            return lines.readline(LONGEST_LINE)
