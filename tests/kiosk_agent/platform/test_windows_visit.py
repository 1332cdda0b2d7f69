"""A whole visit on a poste with Windows: a real broker, the service's own composition, a fake Windows."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kiosk_agent.local import secret as secrets
from kiosk_agent.local.by_hand import Answer, Asked, Close, Unlock
from kiosk_agent.local.messages import VERSION, Hello, Shown, TypeCode
from kiosk_agent.local.peer import Peer
from kiosk_agent.platform.windows import seats
from ppm import windows_kiosk
from ppm.parts.broker import PrivateBroker
from protocol.messages import Cleaned, State
from tests.kiosk_agent.platform.fake_windows import FakeWindows, Running
from tests.kiosk_agent.platform.test_windows_window import Caller, FakePipes
from tests.kiosk_agent.test_agent_on_a_broker import settings
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.waiting import eventually

SECRET = "un vieux moulin bleu"


@dataclass
class Stage:
    """What stands around a poste: its desk, where its window comes in, and where a technician does."""

    controller: TinyController
    pipes: FakePipes
    hatch: FakePipes

    async def technician(self, peer: Peer, asked: Asked) -> Answer:
        """What somebody at the machine is answered."""
        return await asyncio.to_thread(_ask, self.hatch.dial(peer), asked)


Body = Callable[[Stage], Awaitable[None]]


def _ask(line: socket.socket, asked: Asked) -> Answer:
    with line, line.makefile("rb") as lines:
        line.sendall(msgspec.json.encode(asked) + b"\n")
        return msgspec.json.decode(lines.readline(), type=Answer)


def play(broker: PrivateBroker, site: str, folder: Path, windows: FakeWindows, body: Body) -> None:
    poste = settings(broker, site, f"{site}-p1", folder)
    poste.folder.mkdir(parents=True, exist_ok=True)

    async def scene() -> None:
        async with TinyController(broker, site) as controller:
            stop, stage = asyncio.Event(), Stage(controller, FakePipes(), FakePipes())
            lending = asyncio.create_task(
                windows_kiosk.lend(poste, windows, stop, stage.pipes, stage.hatch, windows.places)
            )
            await body(stage)
            stop.set()
            await lending

    asyncio.run(scene())


def windows_of(windows: FakeWindows) -> list[Running]:
    return [one for one in windows.running.values() if "kiosk_agent.ui.qt" in one.command]


async def standing(windows: FakeWindows, pipes: FakePipes) -> Caller:
    """The window that the agent started, at its pipe."""
    (started,) = await eventually(lambda: windows_of(windows), 10)
    caller = pipes.connect(Peer(started.process.pid, 0)).listen()
    caller.ask(Hello(version=VERSION))
    await eventually(lambda: caller.of(Shown))
    return caller


def phase(caller: Caller) -> str:
    shown = caller.of(Shown)[-1]
    assert isinstance(shown, Shown)
    return shown.view.phase


def test_a_visitor_comes_works_goes_and_leaves_nothing(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    windows = FakeWindows.lent(tmp_path / "c")
    letter = windows.places.users / seats.PUBLIC[0] / "letter.txt"

    async def body(stage: Stage) -> None:
        poste, controller, pipes = f"{site}-p1", stage.controller, stage.pipes
        window = await standing(windows, pipes)
        await eventually(lambda: controller.of(poste, State), 10)
        assert windows.of(windows.explorer) == []
        window.ask(TypeCode(code="ABC234"))
        await eventually(lambda: windows.of(windows.explorer), 10)
        await eventually(lambda: phase(window) == "active")
        windows.own(letter, seats.PUBLIC[0])

        await controller.order(poste, "suspended", remaining_ms=60_000)
        await eventually(lambda: windows.of(windows.explorer)[0].frozen == 1)
        assert [one.frozen for one in windows_of(windows)] == [0]

        await controller.order(poste, "locked", session=None)
        await eventually(lambda: controller.of(poste, Cleaned), 10)
        (cleaned,) = controller.of(poste, Cleaned)
        assert cleaned.leftovers == ()
        assert {"processes", "sessions", "profile"} <= {item.what for item in cleaned.items}
        assert not letter.exists()
        assert windows.of(windows.explorer) == []
        assert [one.account for one in windows.on] == [seats.PUBLIC[1]]
        window.leave()
        other = await standing(windows, pipes)
        await eventually(lambda: phase(other) == "locked", 10)
        other.leave()

    play(broker, site, tmp_path, windows, body)


def test_a_technician_opens_it_without_the_server_by_a_pipe_of_its_own(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    windows = FakeWindows.lent(tmp_path / "c")
    secrets.write(tmp_path / f"{site}-p1", SECRET)
    visitor, administrator = Peer(4_004, 0), Peer(4_008, -1, is_administrator=True)
    unlock = Unlock(reason="serveur en panne", seconds=60)

    async def body(stage: Stage) -> None:
        window = await standing(windows, stage.pipes)
        await eventually(lambda: stage.controller.of(f"{site}-p1", State), 10)
        for secret in ("", "un vieux moulin rouge"):
            asked = msgspec.structs.replace(unlock, secret=secret)
            assert (await stage.technician(visitor, asked)).refused == "forbidden"
        at_screen = msgspec.structs.replace(unlock, at_screen=True)
        assert (await stage.technician(administrator, at_screen)).refused == "forbidden"
        assert windows.of(windows.explorer) == []
        typed = msgspec.structs.replace(at_screen, secret=SECRET)
        assert (await stage.technician(visitor, typed)).refused is None
        await eventually(lambda: windows.of(windows.explorer), 10)
        await eventually(lambda: phase(window) == "maintenance")
        assert (await stage.technician(administrator, Close())).refused is None
        await eventually(lambda: stage.controller.of(f"{site}-p1", Cleaned), 10)
        window.leave()
        assert (await stage.technician(administrator, unlock)).refused is None

    play(broker, site, tmp_path, windows, body)
