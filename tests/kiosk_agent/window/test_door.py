"""The local socket: who may come in, what may be asked, and what becomes of who does not keep to it."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kiosk_agent.local import frames
from kiosk_agent.local.door import Door
from kiosk_agent.local.messages import (
    VERSION,
    Asked,
    AskTime,
    End,
    Hello,
    Identify,
    Ping,
    Pong,
    Shown,
    Told,
    Touch,
    TypeCode,
    Unfit,
    Warned,
    Word,
)  # fmt: skip
from kiosk_agent.local.peer import of_descriptor
from kiosk_agent.ui.face import Said
from tests.kiosk_agent.test_terminal_face import Hands
from tests.support.gallery import FREE
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]


class Caller:
    """A process that connects: this one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._lines = frames.words()
        self.heard: list[Word] = []
        self.cut = False

    async def read(self) -> None:
        try:
            while piece := await self._reader.read(65_536):
                self.heard += self._lines.feed(piece)
        except ConnectionError:
            pass
        self.cut = True

    def send(self, piece: bytes) -> None:
        self._writer.write(piece)

    def ask(self, line: Asked) -> None:
        self.send(frames.encode(line))

    def of(self, kind: type[Word]) -> list[Word]:
        return [one for one in self.heard if isinstance(one, kind)]


@asynccontextmanager
async def calling(path: Path) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    caller = Caller(reader, writer)
    reading = asyncio.create_task(caller.read())
    try:
        yield caller
    finally:
        reading.cancel()
        writer.close()


def play(folder: Path, body: Callable[[Door, Path], Awaitable[None]], door: Door | None = None) -> None:
    async def scene() -> None:
        made = door or Door(os.getuid())
        async with made.open(folder / "window.sock"):
            await body(made, folder / "window.sock")

    asyncio.run(scene())


def test_a_window_is_shown_everything_and_asks_what_a_visitor_may(tmp_path: Path) -> None:
    hands, touches = Hands(), list[int]()

    async def body(door: Door, path: Path) -> None:
        door.visitor = hands
        door.changed(FREE)
        async with calling(path) as window:
            window.ask(Hello(version=VERSION))
            await eventually(lambda: window.of(Shown))
            assert window.of(Shown) == [Shown(view=FREE)]
            said = Said("Ce code a déjà servi.", "This code was used.", "code_used")
            door.told(said)
            door.warned(120, "Encore 2 min.")
            door.identified("p1")
            await eventually(lambda: window.of(Identify))
            assert window.of(Told) == [Told(said=said)]
            assert window.of(Warned) == [Warned(left_s=120)]
            for line in (TypeCode(code="k7m q2r"), AskTime(seconds=900), Touch(), End()):
                window.ask(line)
            await eventually(lambda: "end" in hands.asked)
            assert hands.asked == ["k7m q2r", "+900", "end"]
            assert len(touches) == 4

    play(tmp_path, body, Door(os.getuid(), lambda: touches.append(1)))


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"unlock","session":"4"}\n',
        b'{"kind":"view","view":{"phase":"active"}}\n',
        b'{"kind":"code","code":""}\n',
        b'{"kind":"extend","seconds":100000000}\n',
        b"not json\n",
        b"\xff\xfe\n",
        b"x" * 5_000,
    ],
)
def test_who_asks_for_anything_else_is_cut_off_and_nothing_happens(tmp_path: Path, line: bytes) -> None:
    hands = Hands()

    async def body(door: Door, path: Path) -> None:
        door.visitor = hands
        async with calling(path) as window:
            window.ask(Hello(version=VERSION))
            window.send(line)
            await eventually(lambda: window.cut)
        async with calling(path) as again:
            again.ask(Hello(version=VERSION))
            again.ask(TypeCode(code="K7MQ2R"))
            await eventually(lambda: hands.asked)

    play(tmp_path, body)
    assert hands.asked == ["K7MQ2R"]


def test_who_does_not_say_hello_is_not_heard(tmp_path: Path) -> None:
    hands = Hands()

    async def body(door: Door, path: Path) -> None:
        door.visitor = hands
        async with calling(path) as window:
            window.ask(TypeCode(code="K7MQ2R"))
            await eventually(lambda: window.cut)

    play(tmp_path, body)
    assert hands.asked == []


@pytest.mark.parametrize("why", ["another version", "another process"])
def test_a_window_that_is_not_wanted_is_told_so(tmp_path: Path, why: str) -> None:
    async def body(door: Door, path: Path) -> None:
        door.pid = 1 if why == "another process" else os.getpid()
        async with calling(path) as window:
            window.ask(Hello(version=VERSION + (why == "another version")))
            await eventually(lambda: window.cut)
            assert window.of(Unfit)
            assert door.window is None

    play(tmp_path, body)


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can be somebody else")
def test_another_account_is_refused_whatever_it_says(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file would let nobody in; even where it did, the system tells who it is."""

    async def body(door: Door, path: Path) -> None:
        path.chmod(0o666)
        notes = open_folder / "notes"
        notes.touch()
        notes.chmod(0o666)
        program = (ROOT / "tests/kiosk_agent/window/bare_window.py").read_text()
        stranger = await asyncio.create_subprocess_exec(
            "/usr/bin/python3", "-S", "-c", program, str(path), str(notes), user=65534, group=65534,
            extra_groups=[], cwd="/", stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await asyncio.wait_for(stranger.wait(), 20)
        assert notes.read_text() in ("unfit\n", "")
        assert [record.reason for record in caplog.records] == ["another account"]  # type: ignore[attr-defined]
        assert door.window is None

    play(open_folder, body)


def test_only_its_owner_may_open_the_socket(tmp_path: Path) -> None:
    async def body(door: Door, path: Path) -> None:
        assert path.stat().st_mode & 0o777 == 0o600

    play(tmp_path, body)
    assert not (tmp_path / "window.sock").exists()


def test_the_newest_window_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async def body(door: Door, path: Path) -> None:
        async with calling(path) as first, calling(path) as second:
            first.ask(Hello(version=VERSION))
            await eventually(lambda: first.of(Ping))
            second.ask(Hello(version=VERSION))
            await eventually(lambda: second.of(Ping))
            assert first.cut
            second.ask(Pong(n=1))

    play(tmp_path, body)


def test_a_window_that_reads_nothing_is_cut_off_and_costs_no_memory(tmp_path: Path) -> None:
    async def body(door: Door, path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(frames.encode(Hello(version=VERSION)))
        await eventually(lambda: door.window)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        long = Said("a" * 2_000, "b" * 2_000)
        for _ in range(2_000):
            door.told(long)
        assert door.window is None
        writer.transport.abort()
        await asyncio.sleep(0)

    play(tmp_path, body)


def test_a_path_too_long_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Door(os.getuid()).open(tmp_path / ("x" * 120)):
            raise AssertionError("it was opened")

    with pytest.raises(OSError, match="too long"):
        asyncio.run(scene())


def test_the_window_knows_who_the_agent_is(tmp_path: Path) -> None:
    async def body(door: Door, path: Path) -> None:
        _, writer = await asyncio.open_unix_connection(str(path))
        peer = of_descriptor(writer.get_extra_info("socket").fileno())
        assert (peer.pid, peer.uid) == (os.getpid(), os.getuid())
        writer.close()
        await writer.wait_closed()

    play(tmp_path, body)
