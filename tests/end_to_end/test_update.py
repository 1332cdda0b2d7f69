"""Another version of the agent: real wheels, API, broker and slots, and a unit that starts them again."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.app import create_app, serve
from fleet.database.engine import Database
from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_credentials, postes, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.postes import NewPoste
from fleet.usecases.sealing import CodeKeys
from kiosk_agent.updating import start
from ppm import releases
from ppm.parts.broker import PrivateBroker
from ppm.parts.process import free_port
from protocol import messages
from protocol.messages import Ack, Info, State, Status, Trouble, UpdateArgs
from protocol.release import Release
from tests.api.conftest import SETTINGS
from tests.kiosk_agent.tiny_controller import TinyController
from tests.ppm.conftest import clean_environment
from tests.support.waiting import eventually
from tests.support.wheels import CRASHES, NEW, OLD, SILENT, build

pytestmark = pytest.mark.timeout(400)
KEY = releases.new_key()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel for each version, built here from these sources; two of them do not come up."""
    return {
        version: build(tmp_path_factory.mktemp("source"), version) for version in (OLD, NEW, CRASHES, SILENT)
    }


@pytest.fixture
def slots(tmp_path: Path, wheels: dict[str, Path]) -> Path:
    """A poste as it is installed: slot `a` with the old version, and what starts it."""
    folder = tmp_path / "opt"
    venv.create(folder / "a", with_pip=True)
    (packages,) = (folder / "a").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{Path(msgspec.__file__).parents[1]}\n")
    pip = [
        str(folder / "a/bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--force-reinstall",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([*pip, str(wheels[OLD])], check=True, env=environment, cwd="/")
    shutil.copy(start.__file__, folder / "start.py")
    start.point(folder, "a")
    return folder


@pytest.fixture
def fleet(tmp_path: Path, sqlite_template: Path) -> Iterator[Fleet]:
    (tmp_path / "fleet.db").write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'fleet.db'}")
    yield Fleet(database, CodeKeys.from_secret(b"0" * 32))
    database.close()


@dataclass
class Place:
    """A poste in its slots, its controller, and its server."""

    controller: TinyController
    poste: str
    folder: Path
    releases: Path
    starts: list[int] = field(default_factory=list)

    async def order(self, version: str, sha256: str, number: str, **more: Any) -> list[str]:
        """Order this version; what was answered once it is over."""
        boot = self.controller.of(self.poste, Status)[-1].boot
        args = UpdateArgs(version=version, sha256=sha256, **more)
        await self.controller.command(
            self.poste, messages.Update, boot=boot, id=number, args=args, ttl_ms=60_000
        )
        over = ("done", "refused", "expired")
        await eventually(
            lambda: [one for one in self.answers(number) if one.status in over], 170, f"{version} over"
        )
        return [one.reason or one.status for one in self.answers(number)]

    def answers(self, number: str) -> list[Ack]:
        return [one for one in self.controller.of(self.poste, Ack) if one.id == number]

    @property
    def runs(self) -> str:
        """The version that said last that it is there."""
        return self.controller.of(self.poste, Info)[-1].software

    def add(self, wheel: Path, key: bytes = KEY) -> Release:
        return releases.add(self.releases, wheel, key)


async def _unit(place: Place, settings: dict[str, str]) -> None:
    """What systemd does with Restart=always."""
    command = [sys.executable, str(place.folder / "start.py"), str(place.folder), "kiosk", "--plain"]
    environment = clean_environment(**settings)
    environment.pop("PYTHONPATH", None)
    while True:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=place.folder, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            place.starts.append(await process.wait())
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _served(fleet: Fleet, folder: Path) -> AsyncIterator[int]:
    app, port, ready = create_app(fleet, replace(SETTINGS, releases=folder)), free_port(), asyncio.Event()
    task = asyncio.create_task(serve(app, "127.0.0.1", port, ready))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield port
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def play(
    broker: PrivateBroker, site: str, fleet: Fleet, folder: Path, body: Callable[[Place], Awaitable[None]]
) -> None:
    async def scene() -> None:
        poste = f"{site}-p1"
        account = broker.add_poste(site, poste)
        made = postes.create(
            fleet, SYSTEM, NewPoste(sites.create(fleet, SYSTEM, site, {"nom": site}), poste, poste)
        )
        served = folder.parent / "releases"
        async with TinyController(broker, site) as controller, _served(fleet, served) as port:
            place = Place(controller, poste, folder, served)
            settings = {
                "PPM_BROKER_URL": f"mqtt://{broker.host}:{broker.postes_port}",
                "PPM_BROKER_PASSWORD": account.password,
                "PPM_SITE": site,
                "PPM_POSTE": poste,
                "PPM_STATE_DIR": str(folder.parent / "state"),
                "PPM_LOG_LEVEL": "info",
                "PPM_SLOTS_DIR": str(folder),
                "PPM_API_URL": f"http://127.0.0.1:{port}",
                "PPM_POSTE_KEY": poste_credentials.issue(fleet, SYSTEM, made),
                "PPM_RELEASE_PUBLIC_KEY": releases.public_key(KEY),
            }
            unit = asyncio.create_task(_unit(place, settings))
            try:
                await eventually(
                    lambda: controller.of(poste, Ack), 30, "the old version is there, and knows the time"
                )
                await body(place)
            finally:
                unit.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await unit

    asyncio.run(scene())


def test_a_new_version_takes_the_place_of_the_old_one_and_an_older_one_only_if_that_is_meant(
    broker: PrivateBroker, site: str, fleet: Fleet, slots: Path, wheels: dict[str, Path]
) -> None:
    async def body(place: Place) -> None:
        assert place.runs == OLD
        new, old = place.add(wheels[NEW]), place.add(wheels[OLD])
        assert await place.order(NEW, new.sha256, "u1") == ["accepted", "done"]
        assert (place.runs, (slots / "current").readlink().name) == (NEW, "b")
        assert place.starts == [0], "it left cleanly, once"
        assert not (slots / "update.json").exists()
        assert await place.order(OLD, old.sha256, "u2") == ["accepted", "older_version"]
        assert place.runs == NEW
        assert await place.order(OLD, old.sha256, "u3", downgrade=True) == ["accepted", "done"]
        assert (place.runs, (slots / "current").readlink().name) == (OLD, "a")

    play(broker, site, fleet, slots, body)


@pytest.mark.parametrize("version", [CRASHES, SILENT])
def test_a_version_that_does_not_come_up_is_left_again_by_itself(
    broker: PrivateBroker, site: str, fleet: Fleet, slots: Path, wheels: dict[str, Path], version: str
) -> None:
    async def body(place: Place) -> None:
        made = place.add(wheels[version])
        assert await place.order(version, made.sha256, "u1") == ["accepted", "rolled_back"]
        assert (place.runs, (slots / "current").readlink().name) == (OLD, "a")
        how = 3 if version == CRASHES else -14
        assert place.starts == [0, how, how], "it was tried twice"
        told = await eventually(lambda: place.controller.of(place.poste, Trouble))
        assert told[0].what == "update_rolled_back"
        assert version in told[0].detail

    play(broker, site, fleet, slots, body)


def test_what_is_not_ours_or_not_whole_changes_nothing(
    broker: PrivateBroker, site: str, fleet: Fleet, slots: Path, wheels: dict[str, Path]
) -> None:
    async def body(place: Place) -> None:
        statement = place.releases / f"{wheels[NEW].name}.sig"
        made = place.add(wheels[NEW], key=releases.new_key())
        assert (await place.order(NEW, made.sha256, "u1"))[-1] == "wrong_signature"
        old = place.add(wheels[OLD])
        forged = msgspec.structs.replace(old, version=NEW)
        statement.write_bytes(msgspec.json.encode(forged))
        assert (await place.order(NEW, old.sha256, "u2"))[-1] == "wrong_signature", (
            "an older wheel as a newer one"
        )
        made = place.add(wheels[NEW])
        whole = wheels[NEW].read_bytes()
        (place.releases / made.file).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert (await place.order(NEW, made.sha256, "u3"))[-1] == "wrong_digest"
        assert (await place.order(NEW, "0" * 64, "u4"))[-1] == "no_release"
        assert (place.runs, place.starts, (slots / "current").readlink().name) == (OLD, [], "a")
        assert not (slots / "b").exists()
        assert not (slots / "downloads").exists()

    play(broker, site, fleet, slots, body)


def test_a_visitor_is_never_disturbed_and_a_broken_download_goes_on(
    broker: PrivateBroker, site: str, fleet: Fleet, slots: Path, wheels: dict[str, Path]
) -> None:
    async def body(place: Place) -> None:
        made = place.add(wheels[NEW])
        await place.controller.order(place.poste, "suspended", session="s-1", remaining_ms=600_000)
        await eventually(lambda: place.controller.of(place.poste, State)[-1].phase == "suspended")
        assert await place.order(NEW, made.sha256, "u1") == ["busy"]
        await place.controller.order(place.poste, "locked")
        await eventually(lambda: place.controller.of(place.poste, State)[-1].phase == "locked")
        downloads = slots / "downloads"
        downloads.mkdir()
        whole = wheels[NEW].read_bytes()
        (downloads / f"{made.sha256}.part").write_bytes(whole[: len(whole) // 2])
        (place.releases / made.file).write_bytes(b"\0" * (len(whole) // 2) + whole[len(whole) // 2 :])
        assert await place.order(NEW, made.sha256, "u2") == ["accepted", "done"], "only the rest was fetched"
        assert place.runs == NEW

    play(broker, site, fleet, slots, body)


def test_the_starter_counts_and_goes_back(tmp_path: Path) -> None:
    """With stand-ins for the two versions that only say which they are."""
    for slot, does in (("a", "echo a"), ("b", "sleep 60")):
        python = tmp_path / slot / "bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\nexec {does}\n")
        python.chmod(0o755)
    start.point(tmp_path, "b")
    trial = {
        "stage": "trial",
        "slot": "b",
        "before": "a",
        "tries": 0,
        "most": 2,
        "within_s": 1,
        "command": "u",
    }
    start.write(tmp_path, trial)
    once = [sys.executable, start.__file__, str(tmp_path), "kiosk"]
    for tries in (1, 2):
        assert subprocess.run(once).returncode == -14, "it hung, and was ended"
        assert json.loads((tmp_path / start.TRIAL).read_text())["tries"] == tries
    for _ in range(2):
        assert subprocess.run(once, capture_output=True, text=True).stdout == "a\n"
    assert json.loads((tmp_path / start.TRIAL).read_text())["stage"] == "rolled_back"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"stage":"trial"}', '{"stage":"trial","slot":"../x","before":"a"}']
)
def test_the_starter_starts_what_is_current_whatever_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / start.TRIAL).write_text(text)
    assert start.settle(tmp_path) == 0


def test_a_signature_is_of_one_version_and_digest() -> None:
    from kiosk_agent.updating.release import UpdateRefused, check

    made = releases._signed("1.0.0", "x.whl", b"content", KEY)
    public = base64.b64decode(releases.public_key(KEY))
    check(made, public)
    for changed in ({"version": "1.0.1"}, {"sha256": "0" * 64}, {"signature": "AAAA"}, {"signature": "é"}):
        with pytest.raises(UpdateRefused, match="wrong_signature"):
            check(msgspec.structs.replace(made, **changed), public)
