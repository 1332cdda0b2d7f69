"""A whole room with its page: broker, database, controller, API and simulated postes, and a desk that looks at them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from fleet.usecases.fleet import Fleet
from ppm import demo
from ppm.demo import Running, Wanted
from ppm.demo_folder import alone_in
from ppm.parts.process import free_port
from ppm.setting_values import Settings
from ppm.simulator.poste import SimulatedPoste

T = TypeVar("T")
_STARTS_S = 30


class House:
    """A room that runs in a thread of its own."""

    def __init__(self, running: Running, loop: asyncio.AbstractEventLoop) -> None:
        self._running, self._loop = running, loop

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._running.api

    @property
    def fleet(self) -> Fleet:
        """What the API works on."""
        return self._running.fleet

    @property
    def login(self) -> str:
        """The administrator's."""
        return self._running.login

    @property
    def password(self) -> str:
        """The administrator's."""
        return self._running.password

    @property
    def slugs(self) -> list[str]:
        """The postes, in the order of the room."""
        return self._running.postes

    def poste(self, slug: str) -> SimulatedPoste:
        """A simulated poste, to look at; what is done to it is done by `does`."""
        return self._running.room[slug]

    def does(self, slug: str, deed: Callable[[SimulatedPoste], Any]) -> Any:
        """Have a poste do something, in its thread, and wait for that: `lambda one: one.type_code(code)`."""
        done: Future[Any] = Future()

        async def act() -> None:
            try:
                made = deed(self.poste(slug))
                done.set_result(await made if asyncio.iscoroutine(made) else made)
            except BaseException as error:  # noqa: BLE001  it is raised where the deed was asked for
                done.set_exception(error)

        asyncio.run_coroutine_threadsafe(act(), self._loop)
        return done.result(_STARTS_S)

    @contextmanager
    def client(self, login: str = "", password: str = "") -> Iterator[httpx.Client]:
        """The API, logged in: as the administrator if nobody is named."""
        with httpx.Client(base_url=f"{self.url}/api", timeout=10, trust_env=False) as client:
            said = {"login": login or self.login, "password": password or self.password}
            answer = client.post("/token/", json=said)
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
            yield client


@contextmanager
def housed(folder: Path, postes: int = 6, **settings: str) -> Iterator[House]:
    """A room until the block ends."""
    ready: Future[House] = Future()
    over: Future[None] = Future()
    held = Settings({"PPM_HTTP_PORT": str(free_port()), "PPM_DATA_DIR": str(folder), **settings})

    async def live() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with demo.running(held, folder, Wanted(postes, visitors=False)) as running:
            over.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
            ready.set_result(House(running, loop))
            await ended.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001  it is raised where the room was asked for
            if not ready.done():
                ready.set_exception(error)

    thread = threading.Thread(target=run, name="house")
    with alone_in(folder):
        thread.start()
        try:
            yield ready.result(_STARTS_S)
        finally:
            over.set_result(None)
            thread.join(_STARTS_S)
