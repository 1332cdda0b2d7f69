"""A small deployment made by hand, with the commands that the read-me names."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from fleet.database.engine import Database
from fleet.database.tables import utilisateur
from ppm.parts.broker import PrivateBroker
from ppm.parts.process import accepts, free_port
from tests.ppm.conftest import Ppm, clean_environment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("demo")
NAMES = ("Gone", "Stays")
PASSWORD = "un-long-mot-de-passe"
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def deployment(usual: dict[str, str], own_broker: PrivateBroker) -> dict[str, str]:
    """The settings of the server's programs."""
    return {
        **usual,
        "PPM_BROKER_URL": f"mqtt://controller@{own_broker.host}:{own_broker.services_port}",
        "PPM_BROKER_PASSWORD": own_broker.controller.password,
        "PPM_JWT_SECRET": "j0" * 24,
        "PPM_HTTP_PORT": str(free_port()),
    }


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts programs whose output goes to a file each; stops them at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **settings: str) -> "subprocess.Popen[str]":
        with (tmp_path / f"{words[0]}.out").open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "ppm", *words],
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env=clean_environment(**settings),
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_a_visitor_is_served_by_a_deployment_made_by_hand(
    ppm: Ppm, deployment: dict[str, str], begin: Begin, own_broker: PrivateBroker, tmp_path: Path
) -> None:
    assert ppm("migrate").code == 0
    ppm("operator", "create", "accueil", "--role", "administrateur", stdin=f"{PASSWORD}\n")
    ppm("site", "create", "annexe", "--nom", "Annexe")
    for slug in ("annexe-01", "annexe-02"):
        ppm("poste", "create", slug, "--site", "annexe")
    credentials = ppm("poste", "credential", "annexe-01", "annexe-02", "--json").json
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    own_broker.add_postes("annexe", {one["poste"]: one["password"] for one in credentials})

    api = begin("api", "--with-controller", **deployment)
    wait_until(lambda: accepts(int(deployment["PPM_HTTP_PORT"])), 20, "listening")
    observer = f"mqtt://observer:{own_broker.observer.password}@{own_broker.host}:{own_broker.services_port}"
    watching = begin("watch", "--json", PPM_BROKER_URL=observer)
    simulated = begin(
        "simulate", "--credentials", str(tmp_path / "credentials.json"), "--visitors", "--arrivals", "60",
        PPM_BROKER_URL=f"mqtt://{own_broker.host}:{own_broker.postes_port}",
        PPM_API_URL=f"http://127.0.0.1:{deployment['PPM_HTTP_PORT']}",
        PPM_OPERATOR_LOGIN="accueil", PPM_OPERATOR_PASSWORD=PASSWORD,
    )  # fmt: skip

    def active() -> bool:
        found = ppm("session", "list", "--statut", "active", "--json", **deployment).json
        return any(one["poste"] for one in found)

    wait_until(active, 40, "a session")
    assert ppm("poste", "show", "annexe-01", "--json").json["est_en_ligne"] is True
    doctor = ppm("doctor", "--json", **deployment)
    assert doctor.code == 0, doctor.out
    seen = [json.loads(line) for line in (tmp_path / "watch.out").read_text().splitlines()]
    assert {"annexe-01", "annexe-02"} <= {one["poste"] for one in seen}
    assert any("should be active" in one["words"] for one in seen)
    assert not any(one["topic"].endswith(("up/request", "down/reply")) for one in seen)
    for process in (simulated, watching, api):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (tmp_path / "api.out").read_text()
    assert ppm("audit", "verify").code == 0


def test_who_was_forgotten_over_the_api_stays_so_when_the_database_is_lost(
    ppm: Ppm, deployment: dict[str, str], begin: Begin, tmp_path: Path
) -> None:
    deployment["PPM_BACKUP_DIR"] = str(tmp_path / "backups")
    ppm("operator", "create", "accueil", "--role", "administrateur", stdin=f"{PASSWORD}\n")
    ppm("site", "create", "annexe", "--nom", "Annexe")
    api = begin("api", "--with-controller", **deployment)
    wait_until(lambda: accepts(int(deployment["PPM_HTTP_PORT"])), 20, "listening")
    with httpx.Client(base_url=f"http://127.0.0.1:{deployment['PPM_HTTP_PORT']}/api") as client:
        login = {"login": "accueil", "password": PASSWORD}
        client.headers["Authorization"] = f"Bearer {client.post('/token/', json=login).json()['access']}"
        made = [
            client.post("/utilisateurs/", json={"nom": nom, "prenom": "Marie"}).json()["id"] for nom in NAMES
        ]
        file = ppm("backup", "--json", **deployment).json["file"]
        assert client.post(f"/utilisateurs/{made[0]}/erase/").status_code == 200
    api.kill()
    api.wait(10)
    (tmp_path / "fleet.db").write_bytes(b"lost")
    done = ppm("restore", file, "--yes", "--json", **deployment)
    assert (done.code, done.json["people_forgotten_again"], done.json["erasures_known"]) == (0, 1, True)
    opened = Database(deployment["PPM_DATABASE_URL"])
    with opened.read() as tx:
        assert tx.execute(select(utilisateur.c.nom)).scalars().all() == [NAMES[1]]
    opened.close()
    assert ppm("audit", "verify").code == 0
