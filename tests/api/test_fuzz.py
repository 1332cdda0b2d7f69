"""Schemathesis over the whole OpenAPI document: every operation is reached, and every answer is a documented one.

PPM_FUZZ_S is for how many seconds each operator calls (`make fuzz` takes longer).
"""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_app, serve
from api.settings import ApiSettings
from fleet.domain.actor import ADMINISTRATEUR, LECTEUR, OPERATEUR
from fleet.usecases.fleet import Fleet
from tests.api import fuzz_world
from tests.api.conftest import PASSWORD, Desk, for_machines
from tests.api.fuzz_world import Act, World
from tests.api.rights import POSTE, PUBLIC, RIGHTS

SECONDS = int(os.environ.get("PPM_FUZZ_S", "20"))
LONG = "PPM_FUZZ_S" in os.environ
REACHES = {
    "admin": (PUBLIC, POSTE, LECTEUR, OPERATEUR, ADMINISTRATEUR),
    "desk": (PUBLIC, POSTE, LECTEUR, OPERATEUR),
}
"""The least roles of the operations that answer each caller well; what only a poste may goes with its credential."""
_CONFIG = Path(__file__).with_name("schemathesis.toml")
_ROOT = Path(__file__).parent.parent.parent


@dataclass
class Seen:
    """A running API that notes which operations were answered how."""

    base: str
    app: Litestar
    world: World
    statuses: dict[str, set[int]] = field(default_factory=dict)

    def noting(self, app: ASGIApp) -> ASGIApp:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start" and scope.get("path_template"):
                    name = f"{scope['method']} {scope['path_template']}"  # type: ignore[typeddict-item]
                    self.statuses.setdefault(name, set()).add(message["status"])
                await send(message)

            await app(scope, receive, noted)

        return handle

    def reached(self) -> set[str]:
        """What was done at least once."""
        return {name for name, statuses in self.statuses.items() if min(statuses) < 300}


@pytest.fixture
def seen(fleet: Fleet, site_id: int, tmp_path: Path) -> Iterator[Seen]:
    """The API over an empty site, on real sockets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    releases = tmp_path / "releases"
    settings = ApiSettings(
        secrets.token_urlsafe(48), requests_per_minute=0, releases=releases, machines=for_machines(tmp_path)
    )
    app = create_app(fleet, settings)
    world = World(fleet, site_id, app.state.shared.tokens, releases)
    seen = Seen(f"http://127.0.0.1:{port}", app, world)
    app.asgi_handler = seen.noting(app.asgi_handler)
    stop: Future[Callable[[], object]] = Future()

    async def run() -> None:
        ready = asyncio.Event()
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, ready))
        await ready.wait()
        loop = asyncio.get_running_loop()
        stop.set_result(lambda: loop.call_soon_threadsafe(serving.cancel))
        await asyncio.gather(serving, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ended = stop.result(20)
    yield seen
    ended()
    thread.join(20)


def _told(seen: Seen, caller: int, folder: Path) -> Path:
    """The world that every operation has something to do in, as schemathesis reads it."""
    acts = {name: act.told() for name, act in fuzz_world.acts(seen.world).items()}
    path = folder / "world.json"
    path.write_text(json.dumps({"self": caller, "acts": acts}))
    return path


def _called(seen: Seen, world: Path, bearer: str, phases: str, seconds: int | None) -> None:
    """Schemathesis calls in these phases, for so long or to their end, and finds nothing to say."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG),
        "run", f"{seen.base}/api/docs/openapi.json", "-H", f"Authorization: {bearer}", "--phases", phases,
        "--no-color", "--continue-on-failure", *(("--max-time", str(seconds)) if seconds else ()),
        *(() if LONG else ("--seed", "7")),
    ]  # fmt: skip
    hooked = {
        "SCHEMATHESIS_HOOKS": "tests.api.fuzz_hooks",
        "PPM_FUZZ_WORLD": str(world),
        "PYTHONPATH": str(_ROOT),
    }
    done = subprocess.run(
        command, cwd=world.parent, env=os.environ | hooked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.timeout(240 + 3 * SECONDS)
@pytest.mark.parametrize("who", ["admin", "desk"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_every_operation_is_reached_and_no_answer_is_one_that_the_document_does_not_know(
    seen: Seen, who: str, tmp_path: Path
) -> None:
    asked = {"login": who, "password": PASSWORD}
    known = httpx.post(f"{seen.base}/api/token/", json=asked).json()
    world, bearer = _told(seen, known["operateur"], tmp_path), f"Bearer {known['access']}"
    _called(seen, world, bearer, "examples", None)
    may = {name for name, right in RIGHTS.items() if right.least in REACHES[who]}
    assert may - seen.reached() == set()
    _called(seen, world, bearer, "coverage,fuzzing", SECONDS * 2 // 3)
    _called(seen, world, bearer, "stateful", SECONDS // 3)
    me = httpx.get(f"{seen.base}/api/auth/me", headers={"Authorization": bearer})
    assert me.json()["role"] == REACHES[who][-1], "the caller is still who it was"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_each_operation_is_for_is_done_on_the_other_database_too(desk: Desk) -> None:
    releases = desk.shared.settings.releases
    assert releases is not None
    acts = fuzz_world.acts(World(desk.fleet, desk.site_id, desk.shared.tokens, releases))
    assert acts.keys() <= RIGHTS.keys()
    for name in RIGHTS:
        answer = answered(desk, name, acts.get(name, Act()))
        assert answer.is_success, (name, answer.text)


def answered(desk: Desk, operation: str, act: Act) -> httpx.Response:
    """What an act is answered, done by an administrator where it does not say by whom."""
    method, path = operation.split(" ")
    body: Any = {"files": {"data": act.body}} if isinstance(act.body, bytes) else {"json": act.body}
    headers = {"Authorization": f"Bearer {act.bearer or desk.token('admin')}"}
    desk.client.cookies.clear()
    return desk.client.request(method, path.format(**act.path), params=act.query, headers=headers, **body)
