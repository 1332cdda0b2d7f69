"""Every operation of the API, every role, at one's own site and at another's, read from the OpenAPI document."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import insert, select, update

from api.app import create_app
from fleet.database.tables import alert, extension, log, operateur, poste
from fleet.domain.actor import ADMINISTRATEUR, LECTEUR, OPERATEUR, SYSTEM
from fleet.jobs.table import SWEEP
from fleet.usecases import (
    enrolment,
    identities,
    logins,
    operateurs,
    poste_credentials,
    postes,
    sessions,
    sites,
)
from fleet.usecases.fleet import Fleet
from fleet.usecases.logins import Credentials
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.postes import NewPoste
from fleet.usecases.sessions import NewSession
from mosquitto.passwords import hash_password
from tests.api.conftest import MADE, PASSWORD, SETTINGS, Desk, count, for_machines
from tests.api.rights import EACH, FILTERED, HIDDEN, POSTE, PUBLIC, RIGHTS, SHARED, Right, booking

RANK = {PUBLIC: -1, LECTEUR: 0, OPERATEUR: 1, ADMINISTRATEUR: 2, POSTE: 3}
HERE = {"reader": LECTEUR, "desk": OPERATEUR, "admin": ADMINISTRATEUR}
ELSEWHERE = {"far-reader": LECTEUR, "far-desk": OPERATEUR}
VERBS = ("get", "post", "put", "patch", "delete")
OURS = ("st-denis", "poste-1", "Saint-Denis")
"""Words that no answer to somebody of another site may hold."""


@dataclass
class World(Desk):
    """A site with a running session, and people of another site who look at it."""

    places: dict[str, str] = field(default_factory=dict)
    key: str = ""

    def as_(self, who: str | None, operation: str) -> httpx.Response:
        """This operation, called by an operator, by the poste, or by nobody."""
        right, (method, path) = RIGHTS[operation], operation.split(" ")
        headers = {} if who is None else {"Authorization": f"Bearer {self._token_of(who)}"}
        for name, value in self.places.items():
            path = path.replace("{" + name + "}", value)
        body = self._filled(right.body)
        self.client.cookies.clear()
        sent: dict[str, Any] = {"files": {"data": body}} if isinstance(body, bytes) else {"json": body}
        return self.client.request(method, path + "/" + right.query, headers=headers, **sent)

    def _token_of(self, who: str) -> str:
        if who == POSTE:
            return self.key
        with self.fleet.database.read() as tx:
            row = tx.execute(select(operateur).where(operateur.c.login == who)).one()
        return self.shared.tokens.make(row.id, row.generation, datetime.now(UTC))

    def _filled(self, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        if body.get("token") == "ACCESS":
            return {"token": self._token_of("spare")}
        if body.get("refresh") == "REFRESH":
            return {"refresh": logins.authenticate(self.fleet, Credentials("spare", PASSWORD)).refresh_token}
        if body.get("jeton") == "TOKEN":
            return body | {"jeton": enrolment.open_(self.fleet, SYSTEM, 2).jeton}
        return body

    def refusals(self) -> tuple[int, int]:
        """How many refusals the trail of the site tells, and that of the deployment."""
        wanted = "SELECT count(*) FROM log WHERE action = 'refus' AND "
        mine = count(self.fleet, f"{wanted} site_id = {self.site_id}")
        return mine, count(self.fleet, f"{wanted} site_id IS NULL")

    def changes(self) -> int:
        """How much was done so far, refusals left out."""
        return count(self.fleet, "SELECT count(*) FROM log WHERE action NOT IN ('refus', 'echec_code')")


@pytest.fixture
def world(fleet: Fleet, site_id: int, tmp_path: Path) -> Iterator[World]:
    """The API over that world. Rights are read anew with each call, and nobody is limited."""
    other = sites.create(fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    for login, role in ELSEWHERE.items():
        operateurs.create(fleet, SYSTEM, NewOperateur(login, PASSWORD, role, [other]))
    spare = operateurs.create(fleet, SYSTEM, NewOperateur("spare", PASSWORD, LECTEUR, [site_id]))
    told = for_machines(tmp_path)
    settings = replace(SETTINGS, rights_ttl_s=0, requests_per_minute=0, machines=told)
    with TestClient(create_app(fleet, settings), raise_server_exceptions=False) as client:
        made = World(fleet, client, site_id)
        made.places = _places(made) | {"operateur_id": str(spare)}
        made.key = poste_credentials.issue(fleet, SYSTEM, 1)
        with fleet.database.transaction() as tx:
            identities.put(tx, 2, hash_password(MADE))
        yield made


def _places(world: World) -> dict[str, str]:
    """What the parameters of paths stand for."""
    world.come(1)
    number = sessions.create(world.fleet, SYSTEM, NewSession(world.site_id, 3600, poste_id=1)).session_id
    sessions.start(world.fleet, SYSTEM, number)
    sessions.create(world.fleet, SYSTEM, NewSession(world.site_id, 3600))
    person = world.post("/utilisateurs/", {"nom": "Hoarau", "prenom": "Ida", "consentement_rgpd": True})
    with world.fleet.database.transaction() as tx:
        tx.execute(update(poste).where(poste.c.id == 1).values(ip_address="testclient"))
        line = tx.execute(select(log.c.id).where(log.c.site_id == world.site_id).limit(1)).scalar_one()
        stamps = {"expire_a": tx.now.replace(year=tx.now.year + 1), "created_at": tx.now}
        asked = {
            "site_id": world.site_id,
            "session_id": number,
            "secondes": 600,
            "request_id": "r",
            "nonce": "n",
        }
        made = tx.execute(insert(extension).values(**asked, **stamps).returning(extension.c.id))
        request = made.scalar_one()
        told = {"genre": "poste_muet", "cle": "poste_muet:1", "site_id": world.site_id, "poste_id": 1}
        raised = insert(alert).values(**told, created_at=tx.now, updated_at=tx.now).returning(alert.c.id)
        alerted = tx.execute(raised).scalar_one()
    known = {
        "session_id": number,
        "utilisateur_id": person["id"],
        "log_id": line,
        "request_id": request,
        "alert_id": alerted,
        "order_id": world.post("/postes/poste-1/commands/", {"op": "identify"})["id"],
        "batch_id": world.post("/lots/", RIGHTS["POST /api/lots"].body)["id"],
        "ticket_id": world.post("/attente/", RIGHTS["POST /api/attente"].body)["id"],
        "booking_id": world.post("/reservations/", booking(3))["id"],
        "requisition_id": world.post("/requisitions/", RIGHTS["POST /api/requisitions"].body, who="admin")[
            "id"
        ],
    }
    words = {
        "site": "st-denis",
        "poste": "poste-1",
        "job": SWEEP,
        "quoi": "sessions",
        "genre": "sessions",
        "jour": "2026-01-01",
        "number": "1",
    }
    return {name: str(value) for name, value in known.items()} | words


def _operations(world: World) -> dict[str, Any]:
    document = world.client.get("/api/docs/openapi.json").json()
    return {
        f"{verb.upper()} {path}": said
        for path, verbs in document["paths"].items()
        for verb, said in verbs.items()
        if verb in VERBS
    }


def test_every_operation_has_its_line_and_every_line_its_operation(world: World) -> None:
    said = _operations(world)
    there, public = set(said), {one for one, right in RIGHTS.items() if right.least == PUBLIC}
    unsaid, gone = sorted(there - set(RIGHTS)), sorted(set(RIGHTS) - there)
    assert not unsaid, "who may call these? Say so in tests/api/rights.py"
    assert not gone
    assert {one for one in there if said[one].get("security") == []} == public


def test_who_may_not_is_told_so_and_changes_nothing(world: World) -> None:
    before, wrong = world.changes(), []
    for operation, right in RIGHTS.items():
        for who, expected in _refusals(right).items():
            answer = world.as_(who, operation)
            if answer.status_code not in expected:
                wrong.append((operation, who, answer.status_code, expected, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert world.changes() == before


def _refusals(right: Right) -> dict[str | None, tuple[int, ...]]:
    """What those are answered that may not. Whose role is too low elsewhere may be told either."""
    if right.least == PUBLIC:
        return {}
    refused: dict[str | None, tuple[int, ...]] = {None: (401,)}
    if not right.poste:
        refused[POSTE] = (401, 403)
    refused |= {who: (403,) for who, role in HERE.items() if RANK[role] < RANK[right.least]}
    refused |= {who: (403, 404) for who, role in ELSEWHERE.items() if RANK[role] < RANK[right.least]}
    if right.foreign == HIDDEN:
        refused |= {who: (404,) for who, role in ELSEWHERE.items() if RANK[role] >= RANK[right.least]}
    return refused


def test_what_is_denied_has_its_line_in_the_trail_of_the_site_that_it_is_about(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.usecases.fleet.FLOOD_S", 0.0)
    wrong = []
    for operation, right in RIGHTS.items():
        for who, role in (HERE | ELSEWHERE).items():
            may = RANK[role] >= RANK[right.least]
            if may and (who in HERE or right.foreign not in (HIDDEN, EACH) or operation in NOWHERE):
                continue
            before = world.refusals()
            answer = world.as_(who, operation)
            here, deployment = (after - was for after, was in zip(world.refusals(), before, strict=True))
            if (here, deployment) != ((0, 1) if _is_of_no_site(operation) else (1, 0)):
                wrong.append((operation, who, answer.status_code, here, deployment))
    assert not wrong, "\n".join(map(str, wrong))


NOWHERE = (
    "GET /api/rapports/{genre}/{jour}",
    "GET /api/rapports/{genre}/{jour}/page",
    "GET /api/sites/{site}/textes/{genre}/{number}",
)
"""There is no report in the world of the test, of whatever site; nor a text of the genre that reports have."""


def _is_of_no_site(operation: str) -> bool:
    nouns = (
        "ancres",
        "enrolement",
        "exports",
        "jobs",
        "metrics",
        "operateurs",
        "purges",
        "requisitions",
        "system",
        "utilisateurs",
    )
    return operation.split("/")[2] in nouns or operation in ("POST /api/sites", "GET /api/logs/verify")


def test_what_another_site_has_is_answered_to_the_letter_as_what_nobody_has(world: World) -> None:
    for operation, right in RIGHTS.items():
        far = [who for who, role in ELSEWHERE.items() if RANK[role] >= RANK[right.least]]
        if right.foreign != HIDDEN or not far:
            continue
        there = world.as_(far[0], operation)
        known, world.places = world.places, {name: _nothing(value) for name, value in world.places.items()}
        nowhere = world.as_(far[0], operation)
        world.places = known
        said = [{**one.json(), "request_id": None} for one in (there, nowhere)]
        assert said[0] == said[1], operation
        assert {*there.headers} == {*nowhere.headers}, operation


def _nothing(value: str) -> str:
    """A number or a slug that nothing has; words that are no thing's stay."""
    return "999999" if value.isdigit() else "nobody" if value in OURS else value


def test_who_looks_from_another_site_sees_nothing_of_this_one(world: World) -> None:
    for operation, right in RIGHTS.items():
        far = [who for who, role in ELSEWHERE.items() if RANK[role] >= RANK[right.least]]
        for who in far if right.foreign in (FILTERED, EACH) else ():
            answer = world.as_(who, operation)
            assert answer.status_code == 200, (operation, who, answer.text)
            if right.foreign == EACH:
                assert '"introuvable"' in answer.text, (operation, who, answer.text)
            else:
                assert not [word for word in OURS if word in answer.text], (operation, who, answer.text)


def test_who_may_is_let_through(world: World) -> None:
    """In an order in which little stands in the way of what comes after."""
    wrong = []
    for operation in sorted(RIGHTS, key=_turn):
        right = RIGHTS[operation]
        least = [who for who, role in (HERE | {POSTE: POSTE}).items() if role == right.least]
        callers: list[str | None] = (
            [None] if right.least == PUBLIC else list(dict.fromkeys([*least, "admin"]))
        )
        for who in callers if right.least != POSTE else [POSTE]:
            answer = world.as_(who, operation)
            if not _is_let_through(right, answer, first=who == callers[0]):
                wrong.append((operation, who, answer.status_code, answer.text[:300]))
    assert not wrong, "\n".join(map(str, wrong))


def _turn(operation: str) -> int:
    """The poste before its key is replaced, what ends things last."""
    if RIGHTS[operation].least == POSTE:
        return 0
    if operation.endswith("/erase"):
        return 5
    return 1 + ("GET", "POST", "PUT", "DELETE").index(operation.split(" ")[0])


def _is_let_through(right: Right, answer: httpx.Response, *, first: bool) -> bool:
    """Done, or refused for what things are like, not for who asks; after the first, it may be gone."""
    if right.is_down:
        return answer.status_code == 503
    clashes = (409, 422) if right.may_clash else ()
    gone = (404, 409, 422) if not first else (404,) if right.may_miss else ()
    return answer.is_success or answer.status_code in (*clashes, *gone)


def test_shared_things_are_said_to_be_so_on_purpose() -> None:
    """What belongs to no site, or to all: accounts, people, jobs, the whole trail, and what is about oneself."""
    shared = {one.split("/")[2] for one in _shared() if one != "GET /api"}
    nouns = {
        "agent",
        "ancres",
        "auth",
        "enrolement",
        "health",
        "jobs",
        "logs",
        "motifs",
        "operateurs",
        "politiques",
        "postes",
        "purges",
        "requisitions",
        "sites",
        "token",
        "utilisateurs",
    }
    assert shared <= nouns
    admin = [one for one in _shared() if "/api/sites" in one or "/api/logs" in one]
    assert all(RIGHTS[one].least == ADMINISTRATEUR for one in admin)


def _shared() -> list[str]:
    return [one for one, right in RIGHTS.items() if right.foreign == SHARED]
