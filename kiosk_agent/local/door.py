"""The agent's side: a local socket on which one window, and no other process, may ask."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kiosk_agent.local import frames, messages
from kiosk_agent.local.peer import Peer, UnknownPeer, of_socket
from kiosk_agent.local.pipes import Pipes, served
from kiosk_agent.ui.face import Said, View, Visitor

log = logging.getLogger(__name__)
PING_S = 0.4
MOST_BEHIND = 1 << 20
"""A window that leaves more bytes than this unread hangs; it is cut off."""
LONGEST_PATH = 100
NEW_SCREEN_S = 8.0
"""How long a screen that is started anew may be without a window before that is trouble."""


class Door:
    """A face that is in another process. `uid` is the account that a window must have, `pid` its process.

    `touched` is called when somebody is there; `met` with each window that was let in. The system tells who
    connects: a window cannot say that it is somebody else.
    """

    def __init__(self, uid: int, touched: Callable[[], None] = lambda: None) -> None:
        self.touched = touched
        self.visitor: Visitor | None = None
        self.window: Conversation | None = None
        self.pid: int | None = None
        self.met = asyncio.Event()
        self._uid = uid
        self._view: View | None = None
        self._open: set[Conversation] = set()
        self._excused_until = 0.0

    # -------------------------------------------------------------- its life

    @asynccontextmanager
    async def open(self, where: Path | Pipes) -> AsyncIterator[None]:
        """Be reachable: at a socket with this path, or by the pipes of a system that has those. Raises OSError."""
        serving = self._on_socket(where) if isinstance(where, Path) else served(where, self._conversation)
        async with serving:
            pinging = asyncio.create_task(self._ping())
            try:
                yield
            finally:
                pinging.cancel()
                for one in list(self._open):
                    one.abort()
                await asyncio.sleep(0)

    @asynccontextmanager
    async def _on_socket(self, path: Path) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(self._conversation, sock=listening(path, self._uid))
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - at the end, on a file system in memory

    def _conversation(self) -> "Conversation":
        return Conversation(self)

    async def _ping(self) -> None:
        n = 0
        while True:
            n += 1
            self._say(messages.Ping(n=n))
            await asyncio.sleep(PING_S)

    def excuse(self) -> None:
        """The screen is about to be started anew: a window that ends with it is no trouble to tell of."""
        self._excused_until = asyncio.get_running_loop().time() + NEW_SCREEN_S

    @property
    def is_excused(self) -> bool:
        return asyncio.get_running_loop().time() < self._excused_until

    # -------------------------------------------------------------- who comes

    def came(self, one: "Conversation") -> None:
        self._open.add(one)

    def left(self, one: "Conversation") -> None:
        self._open.discard(one)
        if self.window is one:
            self.window = None

    def objection(self, peer: Peer) -> str | None:
        """Why this process is no window of ours; None when it is."""
        if peer.uid != self._uid:
            return "another account"
        return "another process" if self.pid is not None and peer.pid != self.pid else None

    def asked(self, one: "Conversation", line: messages.Asked) -> None:
        """A line of a process that may be heard."""
        if isinstance(line, messages.Hello):
            self._greeted(one, line)
        elif one is not self.window:
            one.close("no hello")
        elif not isinstance(line, messages.Pong):
            self._obey(line)

    def _greeted(self, one: "Conversation", hello: messages.Hello) -> None:
        reason = self.objection(one.peer) if hello.version == messages.VERSION else "another version"
        if reason is not None:
            one.say(messages.Unfit())
            one.close(reason)
            return
        if self.window is not None and self.window is not one:
            self.window.close("another took its place")
        self.window = one
        if self._view is not None:
            one.say(messages.Shown(view=self._view))
        self.met.set()

    def _obey(self, line: messages.Asked) -> None:
        self.touched()
        visitor = self.visitor
        match line:
            case messages.TypeCode() if visitor:
                visitor.type_code(line.code)
            case messages.AskTime() if visitor:
                visitor.ask_time(line.seconds)
            case messages.End() if visitor:
                visitor.end_session()

    # -------------------------------------------------------------- the face

    def changed(self, view: View) -> None:
        self._view = view
        self._say(messages.Shown(view=view))

    def told(self, said: Said) -> None:
        self._say(messages.Told(said=said))

    def warned(self, left_s: int, sentence: str) -> None:  # noqa: ARG002 - it says it in its own language
        self._say(messages.Warned(left_s=left_s))

    def identified(self, poste: str) -> None:  # noqa: ARG002 - the view tells it
        self._say(messages.Identify())

    def _say(self, line: messages.Word) -> None:
        if self.window is not None:
            self.window.say(line)


class Conversation(asyncio.Protocol):
    """One connection. `heard_at` is when it last said something, by the loop's clock.

    Its transport tells the peer, or has a socket to ask.
    """

    def __init__(self, door: Door) -> None:
        self.peer = Peer(0, -1)
        self.heard_at = 0.0
        self._door = door
        self._lines = frames.asked()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._door.came(self)
        try:
            self.peer = transport.get_extra_info("peer") or of_socket(transport.get_extra_info("socket"))
        except UnknownPeer as error:
            self.close(str(error))
            return
        if reason := self._door.objection(self.peer):
            self.say(messages.Unfit())
            self.close(reason)

    def data_received(self, data: bytes) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        try:
            lines = self._lines.feed(data)
        except frames.BadLine as bad:
            self.close(f"bad line: {bad}")
            return
        for line in lines:
            if self._transport is not None:
                self._door.asked(self, line)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._door.left(self)

    def say(self, line: messages.Word) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MOST_BEHIND:
            self.close("does not read")
        else:
            self._transport.write(frames.encode(line))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self, reason: str = "") -> None:
        if reason:
            log.warning("local_refused", extra={"reason": reason, "uid": self.peer.uid})
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._door.left(self)


def listening(path: Path, uid: int | None = None) -> socket.socket:
    """A socket that root and this account, or ours, may connect to. Raises OSError."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(f"{path} is too long for a socket; name a shorter one")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listening = _bound(path, uid)
    listening.listen(8)
    return listening


def _bound(path: Path, uid: int | None) -> socket.socket:
    if sys.platform != "win32":
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if uid not in (None, os.getuid()):
            os.chown(path, uid, -1)
        return listening
    raise OSError("Windows has named pipes in place of sockets")
