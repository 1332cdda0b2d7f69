"""The window on Windows: started in whoever's session has the screen, and heard by a pipe."""

import asyncio
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from kiosk_agent.local import frames
from kiosk_agent.local.door import MOST_BEHIND, Door
from kiosk_agent.local.messages import VERSION, Hello, Ping, Shown, TypeCode, Unfit, Word
from kiosk_agent.local.peer import Peer
from kiosk_agent.local.pipes import PipeEnd
from kiosk_agent.local.programs import Launch
from kiosk_agent.platform.windows import input as last_input
from kiosk_agent.platform.windows import window
from kiosk_agent.platform.windows.window import SeatedPrograms
from kiosk_agent.ui.qt import last_input as counters
from tests.kiosk_agent.platform.fake_windows import FakeWindows
from tests.kiosk_agent.test_terminal_face import Hands
from tests.support.gallery import FREE
from tests.support.waiting import eventually

WINDOW = Peer(4_004, 0)


class End:
    """Our end of a pipe that is a pair of sockets."""

    def __init__(self, ours: socket.socket, peer: Peer) -> None:
        self._ours = ours
        self._peer = peer

    @property
    def peer(self) -> Peer:
        return self._peer

    def read(self) -> bytes:
        return self._ours.recv(65_536)

    def write(self, data: bytes) -> None:
        self._ours.sendall(data)

    def close(self) -> None:
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._ours.close()


class FakePipes:
    """A name that a test connects to as whomever it likes."""

    def __init__(self) -> None:
        self._coming: SimpleQueue[End | None] = SimpleQueue()

    def accept(self) -> PipeEnd | None:
        return self._coming.get()

    def close(self) -> None:
        self._coming.put(None)

    def connect(self, peer: Peer = WINDOW) -> "Caller":
        return Caller(self.dial(peer))

    def dial(self, peer: Peer) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._coming.put(End(ours, peer))
        return theirs


class Caller:
    """A program at the other end."""

    def __init__(self, theirs: socket.socket) -> None:
        self._theirs = theirs
        self.heard: list[Word] = []
        self.ended = False
        self._reading = threading.Thread(target=self._read, daemon=True)

    def listen(self) -> "Caller":
        self._reading.start()
        return self

    def _read(self) -> None:
        lines = frames.words()
        with suppress(OSError):
            while data := self._theirs.recv(65_536):
                self.heard += lines.feed(data)
        self.ended = True

    def ask(self, line: Hello | TypeCode) -> None:
        self._theirs.sendall(frames.encode(line))

    def of(self, kind: type[Word]) -> list[Word]:
        return [one for one in self.heard if isinstance(one, kind)]

    def leave(self) -> None:
        with suppress(OSError):
            self._theirs.shutdown(socket.SHUT_RDWR)
        if self._reading.is_alive():
            self._reading.join(2)
        self._theirs.close()


def play(body: Callable[[Door, FakePipes], Awaitable[None]]) -> None:
    async def scene() -> None:
        door, pipes = Door(0), FakePipes()
        door.pid = WINDOW.pid
        async with door.open(pipes):
            await body(door, pipes)
        assert not [one for one in threading.enumerate() if one.name == "pipes"]

    asyncio.run(scene())


def test_a_window_is_heard_by_a_pipe_as_by_a_socket() -> None:
    hands = Hands()

    async def body(door: Door, pipes: FakePipes) -> None:
        door.visitor = hands
        door.changed(FREE)
        caller = pipes.connect().listen()
        caller.ask(Hello(version=VERSION))
        await eventually(lambda: caller.of(Shown))
        await eventually(lambda: caller.of(Ping))
        caller.ask(TypeCode(code="K7MQ2R"))
        await eventually(lambda: hands.asked == ["K7MQ2R"])
        caller.leave()
        await eventually(lambda: door.window is None)

    play(body)


@pytest.mark.parametrize("peer", [Peer(WINDOW.pid, -1), Peer(WINDOW.pid + 4, 0)], ids=["account", "process"])
def test_another_account_and_another_process_are_sent_away(peer: Peer) -> None:
    hands = Hands()

    async def body(door: Door, pipes: FakePipes) -> None:
        door.visitor = hands
        caller = pipes.connect(peer).listen()
        await eventually(lambda: caller.of(Unfit) and caller.ended)
        assert door.window is None
        assert hands.asked == []
        caller.leave()

    play(body)


def test_a_window_that_does_not_read_is_cut_off_and_holds_nobody_up() -> None:
    async def body(door: Door, pipes: FakePipes) -> None:
        caller = pipes.connect()
        caller.ask(Hello(version=VERSION))
        await eventually(lambda: door.window)
        stuck = door.window
        for _ in range(MOST_BEHIND // 100):
            door.identified("p" * 10)
            door.changed(FREE)
        assert stuck is not None
        assert door.window is None
        caller.leave()
        other = pipes.connect().listen()
        other.ask(Hello(version=VERSION))
        await eventually(lambda: other.of(Shown))
        other.leave()

    play(body)


# ---------------------------------------------------------------- its start


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows.lent(tmp_path)


LAUNCH = Launch(["python.exe", "-m", "kiosk_agent.ui.qt"], {"A": "b"})


def test_the_window_runs_as_whoever_is_logged_on_at_the_screen(windows: FakeWindows) -> None:
    async def scene() -> None:
        programs = SeatedPrograms(windows)
        started = await programs.start(LAUNCH)
        (running,) = windows.of("python.exe")
        assert running.process.sid == windows.sid(windows.on[0].account)
        assert running.environment == {"A": "b"}
        assert not running.confined, "the visitor's programs are confined, the window stands over them"
        assert programs.is_alive(started.pid)
        await started.end()
        assert started.returncode == 1
        assert not programs.is_alive(started.pid)

    asyncio.run(scene())


def test_the_window_waits_for_the_log_on(windows: FakeWindows) -> None:
    async def scene() -> None:
        windows.on.clear()
        starting = asyncio.create_task(SeatedPrograms(windows).start(LAUNCH))
        await asyncio.sleep(0.3)
        assert not starting.done()
        windows.log_on()
        assert (await asyncio.wait_for(starting, 2)).returncode is None

    asyncio.run(scene())


def test_a_start_that_fails_is_told_once_and_tried_again(windows: FakeWindows) -> None:
    told: list[str] = []

    async def scene() -> None:
        windows.refuses.add("start")
        starting = asyncio.create_task(SeatedPrograms(windows, told.append).start(LAUNCH))
        await asyncio.sleep(0.7)
        assert told == ["start"]
        windows.refuses.clear()
        await asyncio.wait_for(starting, 2)

    asyncio.run(scene())


def test_the_window_is_given_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPM_BROKER_PASSWORD", "hunter2")
    assert "hunter2" not in str(window.environment())
    assert not [name for name in window.environment() if name.startswith("PPM_")]


def test_stillness_is_counted_across_the_end_of_the_counter() -> None:
    assert last_input.between(1_000, 61_000) == 60_000
    assert last_input.between((1 << 32) - 1_000, 59_000) == 60_000


def test_a_window_asks_windows_when_somebody_last_touched_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(GetLastInputInfo=lambda: (1 << 32) - 500, GetTickCount=lambda: 1_500)
    monkeypatch.setitem(sys.modules, "win32api", told)
    monkeypatch.setattr("kiosk_agent.ui.qt.last_input.QGuiApplication.platformName", lambda: "windows")
    assert counters.idle_counter()() == 2_000, "over the end of a count of 32 bits"
