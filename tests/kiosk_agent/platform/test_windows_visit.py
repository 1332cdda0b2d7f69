"""A whole visit on a poste with Windows: a real broker, the service's own composition, a fake Windows."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

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

Body = Callable[[TinyController, FakePipes], Awaitable[None]]


def play(broker: PrivateBroker, site: str, folder: Path, windows: FakeWindows, body: Body) -> None:
    poste = settings(broker, site, f"{site}-p1", folder)
    poste.folder.mkdir(parents=True)

    async def scene() -> None:
        async with TinyController(broker, site) as controller:
            stop, pipes = asyncio.Event(), FakePipes()
            lending = asyncio.create_task(windows_kiosk.lend(poste, windows, stop, pipes, windows.places))
            await body(controller, pipes)
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

    async def body(controller: TinyController, pipes: FakePipes) -> None:
        poste = f"{site}-p1"
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
