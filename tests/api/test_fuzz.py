"""Schemathesis over the whole OpenAPI document: no answer that is not documented, no fault, and nothing unreachable.

PPM_FUZZ_S is for how many seconds each operator calls (`make fuzz` takes longer).
"""

import asyncio
import itertools
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
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_app, serve
from api.settings import ApiSettings
from fleet.database import leases
from fleet.usecases.fleet import Fleet
from tests.api.conftest import PASSWORD, Desk

SECONDS = int(os.environ.get("PPM_FUZZ_S", "15"))
ITSELF = "/auth/|/token|/operateurs/.*revoke_all|/health/ready"
"""What ends the caller's own login, or is about it, and what says 503 on purpose: tested by themselves."""
LONG = "PPM_FUZZ_S" in os.environ
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
) + (",negative_data_rejection" if LONG else "")
"""What is not to be accepted is a search without an end: it is gone on with where there is time for it."""
ELSEWHERE = {
    "DELETE /api/postes/{poste}",
    "DELETE /api/sites/{site}/plan/image",
    "DELETE /api/utilisateurs/{utilisateur_id}/photo",
    "GET /api/attente/{ticket_id}",
    "GET /api/demandes/{request_id}",
    "GET /api/exports/{quoi}",
    "GET /api/health/ready",
    "GET /api/lots/{batch_id}",
    "GET /api/postes/{poste}/credential",
    "GET /api/rapports/{genre}/{jour}",
    "GET /api/rapports/{genre}/{jour}/page",
    "GET /api/reservations/{booking_id}",
    "GET /api/sites/{site}/plan/image",
    "GET /api/sites/{site}/textes/{genre}/{number}",
    "GET /api/utilisateurs/{utilisateur_id}/photo",
    "POST /api/alertes/{alert_id}/acquitter",
    "POST /api/attente/{ticket_id}/give_up",
    "POST /api/attente/{ticket_id}/serve",
    "POST /api/attente/{ticket_id}/skip",
    "POST /api/demandes/{request_id}/accept",
    "POST /api/demandes/{request_id}/refuse",
    "POST /api/jobs/{job}/run",
    "POST /api/lots/{batch_id}/cancel",
    "POST /api/lots/{batch_id}/reprint",
    "POST /api/postes/{poste}/heartbeat",
    "POST /api/reservations",
    "POST /api/reservations/{booking_id}/cancel",
    "POST /api/reservations/{booking_id}/serve",
    "POST /api/sessions/bulk",
    "POST /api/sessions/validate-code",
    "POST /api/sessions/validate_code",
    "POST /api/sessions/{session_id}/refuse_time",
    "POST /api/sessions/{session_id}/swap",
    "POST /api/sites/{site}/credit_panne",
    "PUT /api/sites/{site}/plan",
    "PUT /api/sites/{site}/plan/image",
    "PUT /api/utilisateurs/{utilisateur_id}/photo",
}
"""Operations whose good answer needs more than a session in some state: a test of their own reaches each."""
_ALL = "examples,coverage,fuzzing,stateful"
PHASES = (
    {"admin": _ALL, "desk": _ALL}
    if LONG
    else {"admin": "examples,coverage", "desk": "examples,fuzzing,stateful"}
)
"""Every phase for both takes its time: in a few seconds each has its own."""
_numbers = itertools.count(1)


@dataclass
class Seen:
    """A running API that notes which operations were answered how."""

    base: str
    site_id: int
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


@pytest.fixture
def seen(fleet: Fleet, site_id: int) -> Iterator[Seen]:
    """Its site is driven by a controller and its postes are there."""
    with fleet.database.transaction() as tx:
        leases.acquire(tx.connection, site_id, "somebody", tx.now)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    seen = Seen(f"http://127.0.0.1:{port}", site_id)
    app = create_app(fleet, ApiSettings(secrets.token_urlsafe(48), requests_per_minute=0))
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


@pytest.mark.timeout(60 + 3 * SECONDS)
@pytest.mark.parametrize("who", ["admin", "desk"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_call_has_an_answer_that_the_document_does_not_know(seen: Seen, who: str, tmp_path: Path) -> None:
    asked = {"login": who, "password": PASSWORD}
    token = httpx.post(f"{seen.base}/api/token/", json=asked).json()["access"]
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{seen.base}/api/docs/openapi.json",
        "-H", f"Authorization: Bearer {token}", "--checks", CHECKS, "--max-time", str(SECONDS),
        "--exclude-path-regex", ITSELF, "--warnings", "off", "--no-color", "--continue-on-failure",
        "--generation-database", "none", "--phases", PHASES[who], *(() if LONG else ("--seed", "7")),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert len(seen.statuses) > 20


def _bodies(desk: Desk, session: Any, content: Any) -> Iterator[Any]:
    """The example of a body, of things that are there; and the same with all that may be left out left out."""
    number = next(_numbers)
    there = {
        "site": "st-denis", "poste": "poste-2", "postes": ["poste-2"], "utilisateur": None, "slug": f"new-{number}",
        "login": f"new-{number}", "nom": f"Nom {number}", "sites": ["st-denis"], "session": session["id"],
        "sessions": [session["id"]], "ip_address": f"10.1.{number // 250}.{number % 250 + 1}", "mac_address": None,
        "code": session.get("code_acces", "ABC234"), "statut": "maintenance", "op": "identify", "texte": None,
    }  # fmt: skip
    example = content.get("example")
    if isinstance(example, dict):
        yield {name: there.get(name, value) for name, value in example.items()}
        yield {"site": "st-denis", **example}
        yield {"texte": "Bonjour", **example}
        yield {}


def _sessions(desk: Desk, *, each: bool) -> Iterator[Any]:
    """A session in each state that it may be in (or in the first alone), the poste free again for each."""
    for acts in ([], ["start"], ["start", "suspend"], ["terminate"], ["start", "terminate"])[
        : 5 if each else 1
    ]:
        for old in desk.get("/sessions/?statut=en_attente,active,suspendue&limit=200")["resultats"]:
            desk.call("POST", f"/sessions/{old['id']}/terminate/")
        for number in (1, 2):
            desk.call("POST", f"/postes/poste-{number}/marquer_disponible/")
        made = desk.session(poste="poste-1")
        for act in acts:
            desk.call("POST", f"/sessions/{made['id']}/{act}/")
        yield made


def _reach(desk: Desk, name: str, said: Any) -> bool:
    """Whether an operation answers well for something that is there."""
    method, path = name.split()
    contents = list(said.get("requestBody", {}).get("content", {}).values())
    for session in _sessions(desk, each="session" in path):
        person = desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Marie", "consentement_rgpd": True})
        there = {
            "session_id": session["id"], "utilisateur_id": person["id"], "poste": "poste-1", "site": "st-denis",
            "log_id": 1, "operateur_id": 3,
        }  # fmt: skip
        needed = [one for one in said.get("parameters", ()) if one.get("required") and one["in"] == "query"]
        query = {one["name"]: {"session": session["id"]}.get(one["name"], "st-denis") for one in needed}
        try:
            address = path.removeprefix("/api").format(**there)
        except KeyError:
            return False
        for body in _bodies(desk, session, contents[0]) if contents else [None]:
            answer = desk.call(method, address, who="admin", json=body, params=query)
            if answer.status_code < 300:
                return True
    return False


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_operation_can_be_reached(desk: Desk) -> None:
    for number in (1, 2):
        desk.come(desk.get(f"/postes/poste-{number}/")["id"])
    document = desk.client.get("/api/docs/openapi.json").json()
    unreached = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            name = f"{method.upper()} {path}"
            if "/auth/" not in path and "/token" not in path and not _reach(desk, name, said):
                unreached.append(name)
    left = sorted(set(unreached) - ELSEWHERE)
    assert not left, "\n".join(left)
