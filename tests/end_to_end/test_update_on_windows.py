"""Another version on a poste with Windows: real broker, API, wheel and start; a fake Windows, environments of files.

What makes an environment (venv, pip) is the same code as on Linux, where test_update.py runs it.
"""

import asyncio
import base64
import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_credentials, postes, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.postes import NewPoste
from kiosk_agent.platform.windows.service import EndedByItself, Host
from kiosk_agent.settings import Settings
from kiosk_agent.updating import start
from kiosk_agent.updating.fetch import Server
from kiosk_agent.updating.release import UpdateRefused
from kiosk_agent.updating.renewal import Renewal, Source
from kiosk_agent.updating.slots import Slots
from ppm import releases, windows_kiosk
from ppm.parts.broker import PrivateBroker
from protocol import messages
from protocol.messages import Ack, State, Status, Trouble, UpdateArgs
from tests.end_to_end.test_update import KEY, _served, fleet
from tests.kiosk_agent.platform.fake_windows import FakeWindows
from tests.kiosk_agent.platform.test_windows_window import FakePipes
from tests.kiosk_agent.test_agent_on_a_broker import settings
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.waiting import eventually
from tests.support.wheels import NEW, OLD, build

__all__ = ["fleet"]
pytestmark = pytest.mark.timeout(300)
LONG_S = 90
BASE = str(getattr(sys, "_base_executable", sys.executable))


# ---------------------------------------------------------------- the agent's side


class FileSlots(Slots):
    """Slots as Windows has them, whose environments are the wheels themselves."""

    def prepare(self, wheel: Path, version: str, may_go_on: Callable[[], bool]) -> None:
        assert may_go_on()
        there = self.folder / self.other
        there.mkdir(exist_ok=True)
        (there / wheel.name).write_bytes(wheel.read_bytes())
        if f"-{version}-" not in wheel.name:
            raise UpdateRefused("wrong_version", version)


@pytest.fixture
def slots(tmp_path: Path) -> Path:
    folder = tmp_path / "Program Files" / "Poste Public Manager"
    (folder / "a").mkdir(parents=True)
    start.point(folder, "a", start.WINDOWS)
    return folder


@dataclass
class Service:
    """What Windows starts, again and again: the agent in some version."""

    poste: Settings
    source: Source
    windows: FakeWindows
    running: Host | None = None

    def begin(self, version: str) -> asyncio.Task[None]:
        renewal = Renewal(self.source, version, FileSlots(self.source.folder, start.WINDOWS))
        self.running = host = Host(
            lambda stop: windows_kiosk.lend(
                self.poste, self.windows, stop, FakePipes(), FakePipes(), self.windows.places, renewal
            )
        )
        return asyncio.create_task(asyncio.to_thread(host.run))

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()


@pytest.mark.parametrize("comes_up", [True, False], ids=["it comes up", "it does not"])
def test_the_service_ends_into_another_version_and_the_next_one_tells_what_came_of_it(
    broker: PrivateBroker, site: str, fleet: Fleet, slots: Path, tmp_path: Path, comes_up: bool
) -> None:
    poste, served = f"{site}-p1", tmp_path / "releases"
    made = settings(broker, site, poste, tmp_path)
    made.folder.mkdir(parents=True)
    site_id = sites.create(fleet, SYSTEM, site, {"nom": site})
    credential = poste_credentials.issue(
        fleet, SYSTEM, postes.create(fleet, SYSTEM, NewPoste(site_id, poste, poste))
    )
    (tmp_path / "source").mkdir()
    release = releases.add(served, build(tmp_path / "source", NEW), KEY)

    async def scene(controller: TinyController, service: Service) -> list[Ack]:
        first = service.begin(OLD)
        await eventually(lambda: controller.of(poste, State), LONG_S, "the old version is there")
        boot = controller.of(poste, Status)[-1].boot
        args = UpdateArgs(version=NEW, sha256=release.sha256)
        await controller.command(poste, messages.Update, boot=boot, id="u1", args=args, ttl_ms=60_000)
        with pytest.raises(EndedByItself):
            await asyncio.wait_for(first, LONG_S)
        assert start.current(slots) == "b"
        assert (slots / "b" / release.file).read_bytes() == (served / release.file).read_bytes()
        if not comes_up:
            for _ in range(2):
                assert start.settle(slots, start.WINDOWS) > 0
            assert start.settle(slots, start.WINDOWS) == 0, "it had its tries"
            assert start.current(slots) == "a"
        second = service.begin(NEW if comes_up else OLD)
        await eventually(lambda: len(_told(controller, poste)) > 1, LONG_S, "it is told")
        service.stop()
        await asyncio.wait_for(second, LONG_S)
        assert bool(controller.of(poste, Trouble)) is not comes_up
        assert not (slots / start.TRIAL).exists()
        return _told(controller, poste)

    async def play() -> list[Ack]:
        async with TinyController(broker, site) as controller, _served(fleet, served) as port:
            server = Server(f"http://127.0.0.1:{port}", credential)
            source = Source(server, base64.b64decode(releases.public_key(KEY)), slots)
            service = Service(made, source, FakeWindows.lent(tmp_path / "c"))
            try:
                return await scene(controller, service)
            finally:
                service.stop()

    told = [one.reason or one.status for one in asyncio.run(play())]
    assert told == ["accepted", "done" if comes_up else "rolled_back"]


def _told(controller: TinyController, poste: str) -> list[Ack]:
    return [one for one in controller.of(poste, Ack) if one.id == "u1"]


# ---------------------------------------------------------------- what starts it

_BE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import start
folder = Path(sys.argv[2])
start.be(folder, [sys.argv[3]], start.settle(folder, start.WINDOWS))
"""
"""What start.py does on Windows, by its own words."""


def started(folder: Path, settings_file: Path) -> "subprocess.CompletedProcess[str]":
    command = [BASE, "-I", "-c", _BE, str(Path(start.__file__).parent), str(folder), str(settings_file)]
    return subprocess.run(command, env={}, capture_output=True, text=True, timeout=60)


def slot_that(folder: Path, slot: str, does: str) -> None:
    package = folder / slot / start.WINDOWS.packages / "ppm"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "windows_entry.py").write_text(does)


def test_the_service_runs_in_the_process_that_windows_started_with_the_packages_of_its_slot(
    slots: Path, tmp_path: Path
) -> None:
    packages = slots / "a" / start.WINDOWS.packages
    packages.parent.mkdir(parents=True)
    packages.symlink_to(sysconfig.get_path("purelib"))
    settings_file = tmp_path / "ppm.env"
    settings_file.write_text(f"PPM_STATE_DIR={tmp_path}\n")
    assert "PPM_POSTE: is not set" in started(slots, settings_file).stderr


def test_the_window_is_told_to_use_the_interpreter_of_the_slot(slots: Path, tmp_path: Path) -> None:
    slot_that(slots, "a", "import sys; print(sys.executable, sys.argv[1], sys._base_executable)")
    told = started(slots, tmp_path / "ppm.env").stdout.split()
    assert " ".join(told) == f"{slots / 'a' / start.WINDOWS.python} {tmp_path / 'ppm.env'} {BASE}"


def test_a_version_that_hangs_is_ended_whatever_it_holds_and_left_after_its_tries(
    slots: Path, tmp_path: Path
) -> None:
    slot_that(slots, "a", "print('a')")
    slot_that(slots, "b", "import re; re.match('(a*)*b', 'a' * 64)  # C code that lets no other thread run")
    start.point(slots, "b", start.WINDOWS)
    trial = {"stage": "trial", "slot": "b", "before": "a", "tries": 0, "most": 2, "within_s": 1}
    start.write(slots, trial)
    for tries in (1, 2):
        assert started(slots, tmp_path).returncode == 1
        assert json.loads((slots / start.TRIAL).read_text())["tries"] == tries
    for _ in range(2):
        assert started(slots, tmp_path).stdout == "a\n"
    assert json.loads((slots / start.TRIAL).read_text())["stage"] == "rolled_back"


def test_a_version_that_came_up_is_ended_no_more(slots: Path, tmp_path: Path) -> None:
    up = "import start, time; start.came_up(); time.sleep(2); print('lives')"
    slot_that(slots, "a", up)
    start.write(slots, {"stage": "trial", "slot": "a", "before": "b", "tries": 0, "most": 2, "within_s": 1})
    assert started(slots, tmp_path).stdout == "lives\n"


def test_the_layout_of_windows_is_the_one_that_python_has_there() -> None:
    base = {"base": "C:/slot", "installed_base": "C:/slot"}
    places = sysconfig.get_paths("nt", vars=base)
    assert f"C:/slot/{start.WINDOWS.packages}" == places["purelib"]
    assert f"C:/slot/{start.WINDOWS.python}".startswith(places["scripts"])
