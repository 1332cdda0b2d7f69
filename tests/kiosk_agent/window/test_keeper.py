"""A window that is killed, stopped or gone is there again, or the machine is locked."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper
from kiosk_agent.local.programs import Launch
from tests.support.gallery import LENT
from tests.support.waiting import eventually

NOBODY = 65534
BARE = Path(__file__).with_name("bare_window.py")


@dataclass
class Kept:
    """A keeper at work and what it called."""

    door: Door
    path: Path
    keeper: Keeper
    said: list[tuple[str, float]] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        return self.door.window.peer.pid if self.door.window else None

    def times(self, what: str) -> list[float]:
        return [at for said, at in self.said if said == what]


def play(folder: Path, body: Callable[[Kept], Awaitable[None]], command: list[str] | None = None) -> None:
    async def scene() -> None:
        door, path = Door(os.getuid()), folder / "window.sock"
        program = command or [sys.executable, "-S", str(BARE), str(path), str(folder / "notes")]
        kept = Kept(door, path, None)  # type: ignore[arg-type]
        kept.keeper = Keeper(
            door, Launch(program, {}, log=folder / "log"), folder / "window.pid",
            lost=lambda: kept.said.append(("lost", time.monotonic())),
            back=lambda: kept.said.append(("back", time.monotonic())),
            failed=lambda how: kept.said.append(("failed", time.monotonic())),
        )  # fmt: skip
        async with door.open(path):
            door.changed(LENT)
            running = asyncio.create_task(kept.keeper.run())
            try:
                await body(kept)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    asyncio.run(scene())


def test_a_killed_window_is_started_again(tmp_path: Path) -> None:
    async def body(kept: Kept) -> None:
        first = await eventually(lambda: kept.pid, 20)
        assert first is not None
        notes = tmp_path / "notes"
        await eventually(lambda: notes.read_text().count("view") == 1, 20)
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: kept.pid not in (None, first), 20)
        assert kept.keeper.starts == 2
        await eventually(lambda: notes.read_text().count("view") == 2, 20, "it is shown everything anew")

    play(tmp_path, body)


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can be somebody else")
def test_a_window_runs_under_an_account_without_rights_and_is_let_in_by_it(open_folder: Path) -> None:
    async def scene() -> None:
        (open_folder / "notes").touch()
        (open_folder / "notes").chmod(0o666)
        door, path = Door(NOBODY), open_folder / "window.sock"
        command = ["/usr/bin/python3", "-S", "-c", BARE.read_text(), str(path), str(open_folder / "notes")]
        keeper = Keeper(
            door, Launch(command, {}, uid=NOBODY, gid=NOBODY), open_folder / "window.pid",
            lost=lambda: None, back=lambda: None, failed=lambda _: None,
        )  # fmt: skip
        async with door.open(path):
            running = asyncio.create_task(keeper.run())
            window = await eventually(lambda: door.window, 20)
            assert window is not None
            assert window.peer.uid == NOBODY
            said = Path(f"/proc/{window.peer.pid}/status").read_text()
            assert "Groups:\t \n" in said, "it keeps none of our groups"
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    asyncio.run(scene())


def test_a_stopped_window_is_replaced_by_one_that_lives(tmp_path: Path) -> None:
    async def body(kept: Kept) -> None:
        first = await eventually(lambda: kept.pid, 20)
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        await eventually(lambda: kept.pid not in (None, first), 20)
        assert kept.times("failed")

    play(tmp_path, body)


def test_where_no_window_stays_the_machine_is_locked_within_two_seconds_and_opened_when_one_is_back(
    tmp_path: Path,
) -> None:
    async def body(kept: Kept) -> None:
        first = await eventually(lambda: kept.pid, 20)
        assert first is not None
        kept.keeper._launch = Launch(["false"], {})
        gone = time.monotonic()
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: kept.times("lost"), 20)
        assert kept.times("lost")[0] - gone < 2 + 1, "and as much again as a busy machine may take"
        kept.keeper._launch = Launch([sys.executable, "-S", str(BARE), str(kept.path), "/dev/null"], {})
        await eventually(lambda: kept.times("back"), 20)
        assert kept.pid is not None

    play(tmp_path, body)


def test_a_window_that_cannot_start_is_tried_again_and_again_but_not_in_a_storm(tmp_path: Path) -> None:
    async def body(kept: Kept) -> None:
        await eventually(lambda: len(kept.times("failed")) >= 3, 20)
        assert kept.times("failed")[2] - kept.times("failed")[0] > 1

    play(tmp_path, body, ["false"])


def test_the_window_of_an_agent_that_died_is_taken_up_by_the_next(tmp_path: Path) -> None:
    async def scene() -> None:
        path = tmp_path / "window.sock"
        door = Door(os.getuid())
        keeper = Keeper(
            door, Launch(["false"], {}), tmp_path / "window.pid",
            lost=lambda: None, back=lambda: None, failed=lambda _: None,
        )  # fmt: skip
        async with door.open(path):
            orphan = await asyncio.create_subprocess_exec(
                sys.executable, "-S", str(BARE), str(path), str(tmp_path / "notes")
            )
            (tmp_path / "window.pid").write_text(str(orphan.pid))
            running = asyncio.create_task(keeper.run())
            await eventually(lambda: door.window, 20)
            await asyncio.sleep(0.5)
            assert keeper.starts == 0
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await asyncio.wait_for(orphan.wait(), 20)

    asyncio.run(scene())


def test_the_last_window_ends_with_its_keeper(tmp_path: Path) -> None:
    pids: list[int] = []

    async def body(kept: Kept) -> None:
        pids.append(await eventually(lambda: kept.pid or 0, 20))

    play(tmp_path, body)
    with suppress(ProcessLookupError):
        os.kill(pids[0], 0)
        raise AssertionError("it lives on")
    assert not (tmp_path / "window.pid").exists()
