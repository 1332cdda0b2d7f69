"""A technician at the machine itself: opens it without the server, for a while, with a reason.

The administrator of the machine (and the agent's own account) needs no more than that; anybody else the secret that
was chosen at its installation. The system tells who asks.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from kiosk_agent.agent import Agent
from kiosk_agent.local import secret as secrets
from kiosk_agent.local.by_hand import LONGEST_LINE, PATIENCE_S, Answer, Asked, Close, Unlock
from kiosk_agent.local.door import listening
from kiosk_agent.local.peer import Peer, UnknownPeer, of_socket
from kiosk_agent.local.pipes import Pipes, served
from kiosk_agent.version import software

log = logging.getLogger(__name__)
FREE_TRIES = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 900.0


class Guesses:
    """Wrong secrets: a few are free, then each costs a wait that doubles."""

    def __init__(self) -> None:
        self.wrong = 0
        self._until = 0.0

    def wait_s(self, now: float) -> int:
        return max(0, -int(-(self._until - now) // 1))

    def failed(self, now: float) -> None:
        self.wrong += 1
        if self.wrong >= FREE_TRIES:
            self._until = now + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self.wrong - FREE_TRIES))

    def succeeded(self) -> None:
        self.wrong, self._until = 0, 0.0


class Hatch:
    """The agent's side. `folder` is where the secret of this poste is."""

    def __init__(self, agent: Agent, folder: Path) -> None:
        self._agent = agent
        self._folder = folder
        self._guesses = Guesses()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def open(self, where: Path | Pipes) -> AsyncIterator[None]:
        """Be reachable at a socket or by pipes, for everybody: who they are decides. Raises OSError."""
        serving = self._on_socket(where) if isinstance(where, Path) else served(where, self._conversation)
        async with serving:
            yield

    @asynccontextmanager
    async def _on_socket(self, path: Path) -> AsyncIterator[None]:
        ours = listening(path)
        os.chmod(path, 0o666)  # noqa: PTH101, S103 - who asks is seen by their account
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(self._conversation, sock=ours)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)  # noqa: ASYNC240

    def _conversation(self) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=LONGEST_LINE), self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._answered(await reader.readline(), writer)
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError) as error:
            log.warning("technician_lost", extra={"error": type(error).__name__})
        finally:
            writer.close()

    async def _answered(self, line: bytes, writer: asyncio.StreamWriter) -> Answer:
        try:
            asked: Asked = msgspec.json.decode(line, type=Asked)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Answer(refused="unreadable")
        try:
            peer = writer.get_extra_info("peer") or of_socket(writer.get_extra_info("socket"))
        except UnknownPeer:
            return Answer(refused="forbidden")
        async with self._turn:  # one guess after the other
            refused = await self._objection(asked, peer)
        return refused or self._do(asked)

    async def _objection(self, asked: Asked, peer: Peer) -> Answer | None:
        at_screen = isinstance(asked, Unlock) and asked.at_screen
        if peer.is_administrator and not at_screen:
            return None
        now = asyncio.get_running_loop().time()
        if wait_s := self._guesses.wait_s(now):
            return Answer(refused="wait", wait_s=wait_s)
        if asked.secret:
            fits = await asyncio.to_thread(secrets.fits, self._folder, asked.secret)
            if fits:
                self._guesses.succeeded()
                return None
            self._guesses.failed(now)
            if self._guesses.wrong == FREE_TRIES:
                self._agent.tampered(f"wrong secrets of a technician, by account {peer.uid}")
        return Answer(refused="forbidden", wait_s=self._guesses.wait_s(now))

    def _do(self, asked: Asked) -> Answer:
        refused = None
        match asked:
            case Unlock():
                refused = self._agent.open_by_hand(asked.reason, asked.seconds)
            case Close():
                self._agent.close_by_hand()
        machine = self._agent.machine
        return Answer(
            refused=refused, phase=machine.lending.phase, online=machine.voice.connection is not None,
            software=software(),
        )  # fmt: skip


async def keep(agent: Agent, folder: Path, where: Path | Pipes) -> None:
    """Be there for a technician until cancelled. A machine where that cannot be works without."""
    await agent.begun.wait()
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(Hatch(agent, folder).open(where))
        except OSError as error:
            log.warning("technician_unreachable", extra={"error": str(error)})
        await asyncio.Event().wait()
