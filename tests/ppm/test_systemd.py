"""What systemd hears, on a real datagram socket."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppm import systemd
from ppm.parts.process import free_port
from tests.ppm.conftest import clean_environment

pytestmark = pytest.mark.xdist_group("demo")


class Init:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def hears(self, timeout_s: float = 30) -> str:
        """The next word. Raises TimeoutError."""
        self._socket.settimeout(timeout_s)
        return self._socket.recv(100).decode()

    def hears_only(self, word: str, until: str) -> None:
        """Nothing but `word`, at most often, and then `until`."""
        while (heard := self.hears()) == word:
            pass
        assert heard == until

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def init(tmp_path: Path) -> Iterator[Init]:
    made = Init(tmp_path / "notify")
    yield made
    made.close()


@pytest.mark.parametrize("words", [("controller",), ("api",), ("api", "--with-controller"), ("kiosk",)])
def test_a_program_says_that_it_is_ready_lives_and_stops(
    words: tuple[str, ...],
    init: Init,
    usual: dict[str, str],
    postgres_url: str,
    tmp_path: Path,
) -> None:
    if words in (("controller",), ("api",)):
        usual["PPM_DATABASE_URL"] = postgres_url
    settings = {
        **usual, **init.environment, "PPM_JWT_SECRET": "j0" * 24, "PPM_HTTP_PORT": str(free_port()),
        "PPM_BROKER_URL": "mqtt://127.0.0.1:1", "PPM_BROKER_PASSWORD": "x", "PPM_SITE": "annexe",
        "PPM_POSTE": "annexe-01", "PPM_STATE_DIR": str(tmp_path),
    }  # fmt: skip
    with (tmp_path / "said").open("w") as said:
        program = subprocess.Popen(
            [sys.executable, "-m", "ppm", *words],
            env=clean_environment(**settings),
            stdin=subprocess.DEVNULL,
            stderr=said,
        )
    try:
        assert init.hears() == "READY=1", (tmp_path / "said").read_text()
        assert init.hears() == "WATCHDOG=1"
        assert init.hears() == "WATCHDOG=1"
        program.send_signal(signal.SIGTERM)
        init.hears_only("WATCHDOG=1", until="STOPPING=1")
        assert program.wait(30) == 0
    finally:
        program.kill()
        program.wait(10)


def test_a_program_that_is_not_well_gives_no_sign_of_life(init: Init) -> None:
    well = iter([True, True, False, False, True])
    asked = asyncio.Event()

    def healthy() -> bool:
        answer = next(well, None)
        if answer is None:
            asked.set()
        return bool(answer)

    async def story() -> None:
        telling = asyncio.create_task(systemd.told(healthy=healthy, environment=init.environment))
        await asked.wait()
        telling.cancel()
        await asyncio.wait([telling])

    asyncio.run(story())
    assert [init.hears(1) for _ in range(5)] == ["READY=1", *["WATCHDOG=1"] * 3, "STOPPING=1"]


def test_a_program_that_is_not_ready_says_nothing_but_its_end(init: Init) -> None:
    async def story() -> None:
        telling = asyncio.create_task(systemd.told(asyncio.Event(), environment=init.environment))
        await asyncio.sleep(0)
        telling.cancel()
        await asyncio.wait([telling])

    asyncio.run(story())
    assert init.hears(1) == "STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_systemd_nothing_is_said_and_nothing_fails(environment: dict[str, str]) -> None:
    async def story() -> None:
        telling = asyncio.create_task(systemd.told(environment={**environment, "WATCHDOG_USEC": "2000"}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(telling), 0.05)
        telling.cancel()
        await asyncio.wait([telling])

    asyncio.run(story())


def test_the_watchdog_of_another_process_is_not_ours(init: Init) -> None:
    environment = {**init.environment, "WATCHDOG_PID": "1"}
    assert systemd._pause_s(environment) is None
    assert systemd._pause_s(init.environment) == 0.1
