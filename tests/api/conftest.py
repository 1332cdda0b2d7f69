"""An API over each of the two databases, with a site, two postes, and one operator of each role."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text, update

from api.app import create_app
from api.settings import ApiSettings, ForMachines
from api.state import Shared
from fleet.database.engine import Database
from fleet.database.tables import presence
from fleet.domain.actor import SYSTEM
from fleet.domain.optional_fields import OPTIONAL
from fleet.usecases import operateurs, passwords, postes, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.postes import NewPoste
from fleet.usecases.sealing import CodeKeys
from tests.support.certificates import own_certificate
from tests.support.databases import migrate
from tests.support.waiting import wait_until

PASSWORD = "correct horse battery"
WHY = dict.fromkeys(OPTIONAL, "une raison")
MACHINE = {"nom": "pc-3", "empreinte": "0a" * 32, "macs": ["aa:bb:cc:dd:ee:ff"]}
MADE = "0123456789abcdef" * 2
"""The password that a machine made for itself."""
SETTINGS = ApiSettings(jwt_secret=secrets.token_urlsafe(48))


@dataclass
class Desk:
    """A running API with its fleet, and the way to call it as one of its operators."""

    fleet: Fleet
    client: TestClient[Litestar]
    site_id: int
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, login: str) -> str:
        if login not in self.tokens:
            answer = self.client.post("/api/token/", json={"login": login, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            self.tokens[login] = answer.json()["access"]
        return self.tokens[login]

    def call(self, method: str, path: str, who: str | None = "desk", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        headers |= more.pop("headers", {})
        return self.client.request(method, f"/api{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        answer = self.call("POST", path, json=json, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def session(self, **fields: Any) -> Any:
        return self.post("/sessions/", {"duree_initiale": 3600, "poste": "poste-1", **fields})

    @property
    def shared(self) -> Shared:
        shared: Shared = self.client.app.state.shared
        return shared

    def until(self, predicate: Callable[[], object], timeout_s: float = 3) -> None:
        wait_until(predicate, timeout_s)

    def come(self, poste_id: int, boot: str = "boot-1") -> None:
        """A poste is there, as the controller writes it."""
        with self.fleet.database.transaction() as tx:
            seen = {"online": True, "boot": boot, "since": tx.now, "derniere_connexion": tx.now}
            tx.execute(update(presence).where(presence.c.poste_id == poste_id).values(**seen))
            tx.tell(self.site_id, "presence")


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strength of the hash is tested by itself."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)


@pytest.fixture
def fleet(database_url: str) -> Iterator[Fleet]:
    """An empty fleet."""
    made = _fleet(database_url)
    yield made
    made.database.close()


@pytest.fixture
def make_fleet() -> Iterator[Callable[[str], Fleet]]:
    """Makes a fleet with a site in an empty database."""
    made: list[Fleet] = []

    def make(url: str) -> Fleet:
        migrate(url)
        made.append(_fleet(url))
        _furnish(made[-1])
        return made[-1]

    yield make
    for one in made:
        one.database.close()


@pytest.fixture
def site_id(fleet: Fleet) -> int:
    """A site with two postes (poste-1, poste-2), and the operators admin, desk and reader."""
    return _furnish(fleet)


def _fleet(url: str) -> Fleet:
    return Fleet(Database(url), CodeKeys.from_secret(b"0" * 32))


def _furnish(fleet: Fleet) -> int:
    made = sites.create(fleet, SYSTEM, "st-denis", {"nom": "Saint-Denis", "champs": WHY})
    for number in (1, 2):
        new = NewPoste(made, f"poste-{number}", f"Poste {number}", ip_address=f"10.0.0.{number}")
        postes.create(fleet, SYSTEM, new)
    for login, role in (("admin", "administrateur"), ("desk", "operateur"), ("reader", "lecteur")):
        operateurs.create(fleet, SYSTEM, NewOperateur(login, PASSWORD, role, [made]))
    return made


def for_machines(folder: Path) -> ForMachines:
    """What machines that enrol are told."""
    return ForMachines("mqtts://broker.test:8883", "ppm", own_certificate(folder)[0].read_text())


@pytest.fixture
def desk(fleet: Fleet, site_id: int, tmp_path: Path) -> Iterator[Desk]:
    """The API, running."""
    settings = replace(SETTINGS, releases=tmp_path / "releases", machines=for_machines(tmp_path))
    with TestClient(create_app(fleet, settings), raise_server_exceptions=False) as client:
        yield Desk(fleet, client, site_id)


def utc_now() -> datetime:
    return datetime.now(UTC)


def count(fleet: Fleet, sql: str) -> int:
    with fleet.database.read() as tx:
        return int(tx.execute(text(sql)).scalar_one())
