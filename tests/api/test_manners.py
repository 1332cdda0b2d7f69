"""What holds for every request: its id, how often one may ask, and from which page."""

import asyncio
import io
import json
import logging
import secrets
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from litestar.testing import TestClient

from api import app
from api.app import create_app, serve
from api.limits import Buckets, network
from api.settings import ApiSettings
from fleet.usecases.fleet import Fleet
from ppm import logs
from tests.api.conftest import SETTINGS, Desk
from tests.api.test_live import served

SECRET = secrets.token_urlsafe(48)


def test_every_answer_has_the_id_of_its_request_and_problems_say_it(desk: Desk) -> None:
    first, second = (desk.call("GET", "/sessions/99/") for _ in range(2))
    for answer in (first, second):
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    for path in ("/", "/api/health/live", "/api/docs/openapi.json", "/nowhere"):
        assert desk.client.get(path).headers["x-request-id"]


@pytest.mark.parametrize(
    ("given", "taken"), [("job-17.step_2", True), ("a b c d e f", False), ("x" * 65, False)]
)
def test_the_caller_s_own_id_is_kept_if_it_is_a_plain_word(desk: Desk, given: str, taken: bool) -> None:
    answer = desk.client.get("/api/health/live", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is taken


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a program of ours logs meanwhile."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("json", "info", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def _serve(app_of: Callable[[], object], calls: Callable[[str], None]) -> None:
    """Real sockets: what a proxy's header means is up to the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> None:
        ready = asyncio.Event()
        serving = asyncio.create_task(serve(app_of(), "127.0.0.1", port, ready))  # type: ignore[arg-type]
        await asyncio.wait_for(ready.wait(), 20)
        await asyncio.to_thread(calls, f"http://127.0.0.1:{port}")
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(run())


def test_what_is_logged_of_a_change_has_its_id_and_no_query(desk: Desk, written: io.StringIO) -> None:
    token = desk.token("desk")

    def calls(base: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "my-request"}
        asked = {"nom": "Payet", "prenom": "Marie"}
        made = httpx.post(f"{base}/api/utilisateurs/?site=st-denis", json=asked, headers=headers)
        assert made.status_code == 201, made.text
        httpx.get(f"{base}/api/sessions/?recherche=payet&tri=none", headers=headers)

    _serve(lambda: create_app(desk.fleet, SETTINGS), calls)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    mine = [line for line in lines if line.get("request_id") == "my-request"]
    assert [(line["method"], line["path"], line["status"]) for line in mine] == [
        ("POST", "/api/utilisateurs", 201),
        ("GET", "/api/sessions", 422),
    ]
    assert "payet" not in written.getvalue().lower()


def _limited(fleet: Fleet, per_minute: int, **more: object) -> object:
    return create_app(fleet, ApiSettings(SECRET, requests_per_minute=per_minute, **more))  # type: ignore[arg-type]


def test_an_operator_who_asks_too_often_is_told_when_to_come_back(desk: Desk) -> None:
    with TestClient(_limited(desk.fleet, 60)) as client:  # type: ignore[type-var]
        asked = {"login": "desk", "password": "correct horse battery"}
        token = client.post("/api/token/", json=asked).json()["access"]
        headers = {"Authorization": f"Bearer {token}"}
        answers = [client.get("/api/sites/", headers=headers) for _ in range(15)]
        assert [one.status_code for one in answers[:10]] == [200] * 10
        last = answers[-1]
        assert (last.status_code, last.json()["reason"]) == (429, "trop_de_demandes")
        assert int(last.headers["retry-after"]) == last.json()["retry_after"] == 1
        assert client.get("/api/health/live").status_code == 200


def test_a_stranger_cannot_fool_the_limit_with_a_header(desk: Desk) -> None:
    seen: list[int] = []

    def calls(base: str) -> None:
        for number in range(12):
            headers = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
            headers["Authorization"] = f"Bearer {number}"
            seen.append(httpx.get(f"{base}/api/sites/", headers=headers).status_code)

    _serve(lambda: _limited(desk.fleet, 60), calls)
    assert seen[0] == 401
    assert seen[-1] == 429


def test_behind_a_trusted_proxy_each_stranger_counts_alone(desk: Desk) -> None:
    seen: list[int] = []

    def calls(base: str) -> None:
        for number in range(12):
            # The proxy adds the last one; what stands before it may be anybody's invention.
            headers = {"X-Forwarded-For": f"192.0.2.1, 198.51.100.{number}"}
            seen.append(httpx.get(f"{base}/api/sites/", headers=headers).status_code)
        for number in range(12):
            headers = {"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.200"}
            seen.append(httpx.get(f"{base}/api/sites/", headers=headers).status_code)

    _serve(lambda: _limited(desk.fleet, 60, trusted_proxies=("127.0.0.1",)), calls)
    assert set(seen[:12]) == {401}
    assert seen[-1] == 429


def test_a_bucket_fills_again_and_old_ones_are_forgotten() -> None:
    now = [0.0]
    buckets = Buckets(60, lambda: now[0])
    assert [buckets.spend("a") for _ in range(11)] == [0] * 10 + [1]
    assert buckets.spend("b") == 0
    now[0] = 2.0
    assert [buckets.spend("a") for _ in range(3)] == [0, 0, 1]
    for number in range(20_000):
        buckets.spend(str(number))
    assert len(buckets._known) == 10_000
    assert [Buckets(0).spend("a") for _ in range(100)] == [0] * 100
    seldom = Buckets(0.1, lambda: now[0])
    assert [seldom.spend("a") for _ in range(2)] == [0, 600]


def test_a_client_has_a_whole_network_of_ipv6() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("192.0.2.1") != network("192.0.2.2")


def test_an_answer_in_two_parts_does_not_wait_for_the_caller_to_acknowledge_the_first() -> None:
    with app.listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_other_pages_may_not_call_unless_a_setting_says_so(desk: Desk) -> None:
    asks = {"Origin": "https://intranet.example.re", "Access-Control-Request-Method": "GET"}
    for answer in (
        desk.client.get("/api/health/live", headers=asks),
        desk.client.options("/api/sites/", headers=asks),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    app = create_app(desk.fleet, ApiSettings(SECRET, cors_origins=("https://intranet.example.re",)))
    with TestClient(app) as client:
        opened = client.options("/api/sites/", headers=asks)
        assert opened.headers["access-control-allow-origin"] == "https://intranet.example.re"
        assert "access-control-allow-credentials" not in opened.headers
        other = client.options("/api/sites/", headers=asks | {"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in other.headers


def test_no_cache_keeps_what_is_told_of_people(desk: Desk) -> None:
    made = desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Marie"})
    assert desk.call("GET", "/utilisateurs/").headers["cache-control"] == "no-store"
    one = desk.call("GET", f"/utilisateurs/{made['id']}/")
    assert one.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    "said",
    [b"GET /api/?x=" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n"],
)
def test_what_is_no_http_is_a_problem_too(fleet: Fleet, said: bytes) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
            writer.write(said)
            head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
            writer.close()
            assert head.startswith(b"HTTP/1.1 400 ")
            assert b"content-type: application/problem+json" in head
            assert json.loads(body)["reason"] == "demande_invalide"

    asyncio.run(story())
