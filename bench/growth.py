"""Whether lists and figures stay quick as years go by: 1,000,000 lines of the trail and 200,000 sessions.

Every list and figure of the API is asked for over the API itself; one that is not asked for here is counted as a miss.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import event

from api.app import create_app, settle
from api.settings import ApiSettings
from bench.figures import Figure, at_most, p99, told
from bench.growth_seed import SESSIONS, analyze, seed
from fleet.database import schema
from fleet.database.engine import Database
from fleet.domain.actor import SYSTEM
from fleet.jobs import ledger, running
from fleet.jobs.settings import JobSettings
from fleet.usecases import operateurs
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.sealing import CodeKeys
from ppm.parts.postgres import PrivatePostgres

TIMES, WARM_UP = 100, 5
LIMIT_MS = 100
ALL, ONE = "all sites", "one site"
_PASSWORD = secrets.token_urlsafe(12)
_SCAN = re.compile(r"Seq Scan on (session|log)\b")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
_NAMED = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Asked:
    """One question: the path as the OpenAPI document has it, with what stands for its words, and the query."""

    path: str
    query: str = ""
    body: Mapping[str, Any] | None = None

    @property
    def address(self) -> str:
        """Where it is asked."""
        return "/api" + _NAMED.sub(lambda found: _PLACES[found[1]], self.path) + f"/?{self.query}"


_PLACES = {"site": "site-1", "utilisateur_id": "42"}


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def questions() -> list[Asked]:
    """Every list and figure, with the filters, sorts, pages and periods that cost most."""
    last, year = SESSIONS - 50, f"depuis={_ago(365)}"
    week = f"depuis={_ago(400)}&jusqu_a={_ago(393)}"
    plain = (
        "/alertes", "/alertes?en_cours=false", "/ancres", "/attente?site=site-1",
        "/commandes", "/commandes?site=site-1", "/demandes", "/demandes?statut=accordee",
        "/enrolement/demandes", "/jobs",
        "/logs/recent", "/logs/errors", f"/logs/by_session?session={SESSIONS // 2}", "/lots", "/lots?site=site-1",
        "/motifs",
        "/operateurs", "/politiques", "/postes", "/postes?statut=disponible", "/postes?recherche=etage+3",
        "/postes/disponibles", "/purges", "/rapports", "/requisitions", "/reservations", f"/reservations?{week}",
        "/sites", "/sites/{site}/textes", "/sites/{site}/plan", "/system", "/utilisateurs/{utilisateur_id}/sessions",
        "/sessions/actives", "/sessions/actives?tri=fin_prevue",
    )  # fmt: skip
    sessions = (
        "", f"offset={last}", "site=site-3", f"site=site-3&offset={last // 10}", "statut=terminee",
        "statut=expiree,terminee",
        "statut=en_attente&site=site-3", "poste=poste-11", "utilisateur=42", "operateur=accueil-7", week,
        "recherche=nom123", "recherche=nom", "recherche=poste-49", "recherche=personne",
        "site=site-3&recherche=prenom77", "tri=id", "tri=created_at", "tri=-debut_session",
        "statut=active&tri=fin_prevue", "tri=statut", "tri=poste",
        f"tri=-debut_session&offset={last}",
    )  # fmt: skip
    logs = (
        "", "offset=10000", "site=site-3", "action=ajout_temps", "action=ajout_temps&site=site-3", "action=export",
        "poste=poste-11", "operateur=accueil-7", "utilisateur=42", week, f"{week}&site=site-3", "avant=1000",
        "apres=1000", "recherche=expir", "recherche=personne", f"recherche=temps&{week}",
    )  # fmt: skip
    people = (
        "", f"offset={SESSIONS // 10 - 50}", "recherche=nom123", "recherche=personne",
        "categorie=jeune", "consentement_rgpd=true",
        "tri=-created_at", "tri=date_naissance", "site=site-3",
    )  # fmt: skip
    periods = (
        "",
        f"depuis={_ago(30)}",
        year,
        f"{year}&site=site-3",
        f"depuis={_ago(730)}&jusqu_a={_ago(335)}",
    )
    of = {"/sessions": sessions, "/logs": logs, "/utilisateurs": people}
    of |= {f"/{noun}/stats": periods for noun in ("sessions", "logs", "utilisateurs", "postes")}
    of["/sessions/occupation"] = periods
    asked = [Asked(*one.partition("?")[::2]) for one in plain]
    asked += [Asked(path, query) for path, queries in of.items() for query in queries]
    return [*asked, Asked("/logs/search", body={"actions": ["refus"], "limit": 200})]


def missing(document: Mapping[str, Any]) -> set[str]:
    """The lists and figures of the OpenAPI document that nobody asks for here."""
    asked = {f"/api{one.path}" for one in questions()}
    asked.add("/api/agent/releases")  # files in a folder
    return {path for path, item in document["paths"].items() if _counts(document, item) and path not in asked}


def _counts(document: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    content = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    found = content.get("application/json", {}).get("schema", {})
    name = found.get("$ref", "").removeprefix("#/components/schemas/")
    said = document["components"]["schemas"].get(name, found)
    return "resultats" in said.get("properties", {}) or name.endswith("Stats") or name in _FIGURES


_FIGURES = ("Occupation", "Plan", "Queue")
"""What is a list or a figure by another name."""


def run() -> Iterator[Figure]:
    """The slowest of a hundred answers of each list and figure, and whether one of them reads a whole table."""
    with PrivatePostgres(fsync=False) as postgres:
        database = Database(postgres.create_database("growth"))
        with closing(database):
            schema.upgrade(database)
            seed(database)
            close_days(database)
            yield from measured(database)


def close_days(database: Database) -> None:
    """As the job of the night does."""
    with database.transaction() as tx:
        slot = ledger.ask(tx, "closed_days", None)
    running.run_one(database, JobSettings(), "closed_days", slot, "bench")
    analyze(database)


def measured(database: Database) -> Iterator[Figure]:
    """The same on a database that is there."""
    fleet = Fleet(database, CodeKeys.from_secret(bytes(32)))
    settings = ApiSettings(secrets.token_hex(32), requests_per_minute=0)
    app = create_app(fleet, settings)
    settle()
    with TestClient(app) as client:
        callers = {
            ALL: _operator(fleet, "administrateur", []),
            ONE: _operator(fleet, "operateur", [1]),
        }
        document = client.get("/api/docs/openapi.json").json()
        yield at_most("lists and figures that are not measured", len(missing(document)), "", 0)
        scans: list[str] = []
        for name, call in _calls(client, callers):
            yield at_most(f"{name}, p99 ({SESSIONS:,} sessions)", _slowest(call), "ms", LIMIT_MS)
            found = _scans(database, name, call)
            yield from (told(f"whole table read by {said}", 1, "") for said in found)
            scans += found
        yield at_most("lists and figures that read a whole table", len(scans), "", 0)


def _operator(fleet: Fleet, role: str, sites: Iterable[int]) -> str:
    """The login of a new operator."""
    operateurs.create(fleet, SYSTEM, NewOperateur(f"bench-{role}", _PASSWORD, role, list(sites)))
    return f"bench-{role}"


def _token(client: TestClient[Litestar], login: str) -> str:
    """A new one for each question: all of them take longer than one is good."""
    answer = client.post("/api/token/", json={"login": login, "password": _PASSWORD})
    token: str = answer.json()["access"]
    return token


_FOR_ADMINISTRATORS = ("/ancres", "/operateurs", "/purges", "/requisitions")


def _calls(
    client: TestClient[Litestar], callers: Mapping[str, str]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    for one in questions():
        for who, login in callers.items():
            named = any(word in one.query for word in ("site-3", "poste-11"))
            elsewhere = one.path in _FOR_ADMINISTRATORS or named
            if who == ONE and elsewhere:
                continue
            name = f"{one.path}?{_in_days(one.query)} {who}"
            yield name, partial(_ask, client, one, _token(client, login))


def _in_days(query: str) -> str:
    """The same of each run: how long ago in place of when."""
    return _INSTANT.sub(
        lambda found: f"{(datetime.now(UTC) - datetime.fromisoformat(found[0])).days}d", query
    )


def _ask(client: TestClient[Litestar], one: Asked, token: str) -> httpx.Response:
    method = "GET" if one.body is None else "POST"
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.request(method, one.address, headers=headers, json=one.body)
    assert answer.status_code == 200, f"{one.address}: {answer.text}"
    return answer


def _slowest(call: Callable[[], Any]) -> float:
    taken = []
    for number in range(WARM_UP + TIMES):
        begun = time.perf_counter()
        call()
        if number >= WARM_UP:
            taken.append((time.perf_counter() - begun) * 1000)
    return p99(taken)


def _scans(database: Database, name: str, call: Callable[[], Any]) -> list[str]:
    """The statements of a call whose plan reads all of a large table."""
    with database.engine.connect() as connection:
        plans = [
            line
            for statement in statements(database, call)
            for line in connection.exec_driver_sql("EXPLAIN " + statement.replace("%", "%%")).scalars()
        ]
    return [f"{name}: {found[1]}" for line in plans if (found := _SCAN.search(line))]


def statements(database: Database, call: Callable[[], Any]) -> list[str]:
    """What a call asks the database."""
    said: list[str] = []

    def listener(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            said.append(cursor.mogrify(statement, parameters).decode())

    event.listen(database.engine, "before_cursor_execute", listener)
    try:
        call()
    finally:
        event.remove(database.engine, "before_cursor_execute", listener)
    return said
