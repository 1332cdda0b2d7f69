"""What our API answers in a second, beside the same endpoints in Django REST framework and beside an empty one."""

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

from api.settings import ApiSettings
from api.tokens import Tokens
from bench import seed
from bench.figures import Figure, at_most, p99, times_at_least, told
from bench.stage import ROOT, SITE, Stage, said, stage, wait_said
from fleet.domain.actor import ADMINISTRATEUR, SYSTEM
from fleet.usecases import operateurs
from ppm.parts.process import Child, accepts, free_port

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "10000"))
ROUND_S = float(os.environ.get("BENCH_ROUND_S", "4"))
ROUNDS = 3
WARM_UP_S = 1.0
CONNECTIONS = 16
OURS, DAPHNE, GUNICORN, EMPTY = "ours", "daphne", "gunicorn", "empty"
_STARTS_S = 30
_HOURS = "UPDATE session SET duree_initiale_ms = 7200000, fin_prevue = now() + interval '2 hours'"


@dataclass(frozen=True)
class Endpoint:
    """One of the endpoints that are compared. Against Django at its best, all are to be 1.5 times as quick."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    status: int = 200

    @property
    def goal(self) -> float:
        """How many times daphne's number is asked for."""
        return 8 if self.method == "GET" else 5


ENDPOINTS = (
    Endpoint("list of sessions, page of 50", "GET", "/api/sessions/?limit=50"),
    Endpoint("one session", "GET", "/api/sessions/{id}/"),
    Endpoint("time_remaining", "GET", "/api/sessions/{id}/time_remaining/"),
    Endpoint("add_time", "POST", "/api/sessions/{id}/add_time/", {"seconds": 60}),
    Endpoint("create session", "POST", "/api/sessions/", {"site": SITE, "duree_initiale": 3600}, 201),
)
_NOTHING = Endpoint("empty endpoint", "GET", "/")


@dataclass(frozen=True)
class Measured:
    """What the rounds gave: requests a second, and the slowest hundredth in milliseconds."""

    per_second: float
    p99_ms: float


class Bench:
    """The servers, each on its port, and who calls them."""

    def __init__(self, made: Stage) -> None:
        self._made = made
        self._secret = secrets.token_hex(32)
        self._tokens = Tokens(ApiSettings(self._secret))
        self._operateur = operateurs.create(
            made.fleet, SYSTEM, operateurs.NewOperateur("bench", secrets.token_hex(16), ADMINISTRATEUR)
        )
        self._ports: dict[str, int] = {}
        self._first = 0

    def start(self) -> None:
        """Start all servers. Raises PartFailed."""
        for name, module in ((OURS, "bench.api_process"), (EMPTY, "bench.empty_process")):
            port = self._ports[name] = free_port()
            self._made.spawn(module, {"http_port": port, "jwt_secret": self._secret})
        for name, kept_s in ((DAPHNE, 0), (GUNICORN, None)):
            self._django(name, kept_s)
        for child, port in zip(self._made.children[-4:], self._ports.values(), strict=True):
            child.wait_ready(lambda port=port: accepts(port), _STARTS_S)  # type: ignore[misc]

    def _django(self, name: str, kept_s: int | None) -> None:
        port = self._ports[name] = free_port()
        words = {
            DAPHNE: [
                "daphne",
                "-v",
                "0",
                "-b",
                "127.0.0.1",
                "-p",
                str(port),
                f"{_BASELINE}.asgi:application",
            ],
            GUNICORN: [
                "gunicorn",
                "-w",
                "1",
                "-k",
                "sync",
                "-b",
                f"127.0.0.1:{port}",
                f"{_BASELINE}.wsgi:application",
            ],
        }
        file = self._made.folder / f"{name}.json"
        settings = {"database": self._made.url, "secret": self._made.secret, "jwt_secret": self._secret}
        file.write_text(json.dumps({**settings, "conn_max_age": kept_s}))
        environment = {"BENCH_DJANGO": str(file), "PYTHONPATH": str(ROOT)}
        child = Child(
            [sys.executable, "-m", *words[name]], self._made.folder / f"{name}.log", environment=environment
        )
        child.start()
        self._made.children.append(child)

    def stop(self) -> None:
        """End the servers in order: gunicorn takes its worker along."""
        for child in self._made.children:
            child.stop()

    def answers(self, name: str, path: str) -> dict[str, Any]:
        """One answer, read."""
        asked = Request(
            f"http://127.0.0.1:{self._ports[name]}{path}",
            headers={"Authorization": f"Bearer {self._token()}"},
        )
        with urlopen(asked, timeout=10) as answer:
            read: dict[str, Any] = json.load(answer)
        return read

    def measure(self, names: Sequence[str], endpoint: Endpoint) -> dict[str, Measured]:
        """Each server in turn, several times. Raises RuntimeError for a wrong answer: then nothing counts."""
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name in names:
                rounds[name].append(self._round(name, endpoint))
        return {name: _sum(those) for name, those in rounds.items()}

    def _round(self, name: str, endpoint: Endpoint) -> dict[str, Any]:
        settings = {
            "port": self._ports[name],
            "token": self._token(),
            "method": endpoint.method,
            "path": endpoint.path,
            "body": endpoint.body,
            "status": endpoint.status,
            "ids": SESSIONS,
            "first": self._first,
            "connections": CONNECTIONS,
            "warm_up_s": WARM_UP_S,
            "seconds": ROUND_S,
        }
        child = self._made.spawn("bench.load_process", settings)
        child.wait_ready(lambda: said(child, "measured") is not None, WARM_UP_S + ROUND_S + 60)
        result: dict[str, Any] = json.loads(wait_said(child, "measured"))
        child.stop()
        if result["wrong"] or not result["taken"]:
            raise RuntimeError(f"{name}, {endpoint.name}: {result['wrong'] or 'nothing was answered'}")
        self._first += len(result["taken"])
        return result

    def _token(self) -> str:
        actor = operateurs.actor_of(self._made.fleet, self._operateur)
        generation = 0 if actor is None else actor.generation
        return self._tokens.make(self._operateur, generation, datetime.now(UTC))


_BASELINE = "bench.baseline_django"


def run() -> Iterator[Figure]:
    """Every endpoint on every server, one after the other in turns; one worker, 16 connections."""
    with stage() as made:
        seed.fill(made, SESSIONS)
        made.sql(_HOURS)
        made.analyze()
        bench = Bench(made)
        bench.start()
        try:
            yield from _compared(bench)
        finally:
            bench.stop()
        yield at_most("audit chains that do not hold after all that", len(made.broken_chains()), "", 0)


def _compared(bench: Bench) -> Iterator[Figure]:
    _check_same(bench)
    empty = bench.measure((EMPTY,), _NOTHING)[EMPTY]
    yield told("empty endpoint", empty.per_second, "/s")
    yield told("empty endpoint, p99", empty.p99_ms, "ms")
    for endpoint in ENDPOINTS:
        of = bench.measure((OURS, DAPHNE, GUNICORN), endpoint)
        ours, name = of[OURS], endpoint.name
        yield times_at_least(
            f"{name}: against daphne", ours.per_second, "/s", of[DAPHNE].per_second, endpoint.goal
        )
        yield times_at_least(f"{name}: against gunicorn", ours.per_second, "/s", of[GUNICORN].per_second, 1.5)
        yield told(f"{name}: against the empty endpoint", ours.per_second, "/s", empty.per_second)
        yield told(f"{name}: p99, against daphne", ours.p99_ms, "ms", of[DAPHNE].p99_ms)
        yield told(f"{name}: p99, against gunicorn", ours.p99_ms, "ms", of[GUNICORN].p99_ms)


def _check_same(bench: Bench) -> None:
    """Raise RuntimeError where the servers tell different things about a session: then they do different work."""
    for path in ("/api/sessions/?limit=1", "/api/sessions/1/", "/api/sessions/1/time_remaining/"):
        ours, *others = (_shape(bench.answers(name, path)) for name in (OURS, DAPHNE, GUNICORN))
        if any(other != ours for other in others):
            raise RuntimeError(f"{path}: {ours} is not {others}")


def _shape(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its clock and its format of instants."""
    first = answer["resultats"][0] if "resultats" in answer else answer
    facts = ("id", "site", "poste", "statut", "duree_totale", "operateur", "version", "total")
    return {"fields": sorted(first), **{name: first[name] for name in facts if name in first}}


def _sum(rounds: Sequence[dict[str, Any]]) -> Measured:
    taken = [one for each in rounds for one in each["taken"]]
    return Measured(len(taken) / sum(each["seconds"] for each in rounds), p99(taken))
