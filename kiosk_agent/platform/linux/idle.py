"""For how long nobody touched the screen: the X server's own measure, asked in two requests of its protocol.

Without Xlib, which ends the whole program when its server goes away, and with a time limit on each answer.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)
ANSWER_S = 0.1
AGAIN_S = 5.0
"""When a screen that did not answer is asked again; until then nobody is told to be away."""
_EXTENSION = b"MIT-SCREEN-SAVER"
_NAME = b"MIT-MAGIC-COOKIE-1"


class NoScreen(Exception):
    """The X server cannot be asked."""


class Screen:
    """The screen `:number`, asked with the cookie in a file of Xauthority. One connection, kept while it works."""

    def __init__(
        self, number: int, authority: Path | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._number = number
        self._authority = authority
        self._clock = clock
        self._server: _Server | None = None
        self._silent_until = 0.0

    def idle_s(self) -> int:
        """Seconds since the last key or movement; 0 when nobody knows."""
        if self._clock() < self._silent_until:
            return 0
        try:
            if self._server is None:
                self._server = _Server(self._number, self._authority)
            return self._server.idle_ms() // 1000
        except (NoScreen, OSError, struct.error) as error:
            log.warning("idleness_unknown", extra={"error": str(error)})
            self.close()
            self._silent_until = self._clock() + AGAIN_S
            return 0

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


class _Server:
    """A conversation with an X server, little-endian, far enough to ask one thing."""

    def __init__(self, number: int, authority: Path | None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(f"/tmp/.X11-unix/X{number}")  # noqa: S108 - where X servers are
            self._root = self._greet(cookie_of(authority, number) if authority else b"")
            self._major = self._find_extension()
        except BaseException:
            self._socket.close()
            raise

    def idle_ms(self) -> int:
        """Raises NoScreen or OSError."""
        reply = self._ask(struct.pack("<BBHI", self._major, 1, 2, self._root))
        return int(struct.unpack_from("<I", reply, 16)[0])

    def close(self) -> None:
        self._socket.close()

    def _greet(self, cookie: bytes) -> int:
        name = _NAME if cookie else b""
        words = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
        self._socket.sendall(words + _padded(name) + _padded(cookie))
        accepted, length = struct.unpack("<BxxxxxH", self._read(8))
        rest = self._read(4 * length)
        if accepted != 1:
            raise NoScreen(f"refused: {rest.decode(errors='replace').strip(chr(0))}")
        vendor, formats = struct.unpack_from("<H2xxB", rest, 16)
        return int(struct.unpack_from("<I", rest, 32 + (vendor + 3) // 4 * 4 + 8 * formats)[0])

    def _find_extension(self) -> int:
        size = 2 + (len(_EXTENSION) + 3) // 4
        reply = self._ask(struct.pack("<BxHHxx", 98, size, len(_EXTENSION)) + _padded(_EXTENSION))
        if not reply[8]:
            raise NoScreen("it measures no idleness")
        return reply[9]

    def _ask(self, request: bytes) -> bytes:
        """The reply; events, which nobody asked for, are skipped."""
        self._socket.sendall(request)
        while (reply := self._read(32))[0] != 1:
            if reply[0] == 0:
                raise NoScreen(f"error {reply[1]}")
        return reply + self._read(4 * int(struct.unpack_from("<I", reply, 4)[0]))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise NoScreen("it hung up")
            data += piece
        return data


def cookie_of(authority: Path, number: int) -> bytes:
    """The cookie of a local screen in a file of Xauthority. Raises NoScreen or OSError."""
    data, at = authority.read_bytes(), 0

    def field() -> bytes:
        nonlocal at
        size = int(struct.unpack_from(">H", data, at)[0])
        at += 2 + size
        return data[at - size : at]

    while at < len(data):
        at += 2  # the family: a file of ours has but this machine
        _, screen, name, cookie = field(), field(), field(), field()
        if name == _NAME and screen in (b"", str(number).encode()):
            return cookie
    raise NoScreen(f"{authority} has no cookie for :{number}")


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
