"""A machine becomes a poste by one command, over TLS, with the real server, broker and agent."""

import asyncio
import json
import os
import secrets
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import select

from api.app import create_app
from api.settings import ApiSettings, ForMachines
from fleet.database.engine import Database
from fleet.database.listing import Page
from fleet.database.tables import identity
from fleet.domain.actor import SYSTEM
from fleet.usecases import enrolment, enrolment_requests, identities, postes, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.postes import NewPoste
from fleet.usecases.sealing import CodeKeys
from kiosk_agent.agent import Agent
from kiosk_agent.platform.dry import DryPlatform
from mosquitto.files import Tls
from mosquitto.passwords import matches
from ppm.broker_keeper import Keeper
from ppm.commands.kiosk import poste_settings
from ppm.parts.broker import Binary, PrivateBroker
from ppm.parts.process import free_port
from ppm.setting_values import Settings
from protocol.enrolment import fingerprint, label
from tests.ppm.conftest import clean_environment
from tests.support.certificates import own_certificate
from tests.support.waiting import eventually, wait_until

SLUG = "le-port-01"
MISSED_S = 5.0
"""A poste that is away for longer is shown as off."""
CUT_S = 5.0


@dataclass
class House:
    """An API behind TLS, and its fleet. `asked` are the methods and paths of the requests that it got, `lose` is the
    one whose answer is lost."""

    fleet: Fleet
    certificate: Path
    port: int
    asked: list[str] = field(default_factory=list)
    lose: str = ""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def digest(self) -> str:
        return fingerprint(self.certificate.read_text())

    def token(self, poste_id: int = 1) -> str:
        return enrolment.open_(self.fleet, SYSTEM, poste_id).jeton


@contextmanager
def housed(
    fleet: Fleet, folder: Path, broker: str = "mqtts://127.0.0.1:8883", pair: tuple[Path, Path] | None = None
) -> Iterator[House]:
    certificate, key = pair or own_certificate(folder)
    house = House(fleet, certificate, free_port())
    told = ForMachines(broker, "ppm", certificate.read_text())
    app = create_app(fleet, ApiSettings(secrets.token_urlsafe(48), machines=told, requests_per_minute=0))

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        name = f"{scope['method']} {scope['path']}"
        house.asked.append(name)

        async def sent(message: Any) -> None:
            if house.lose == name:
                raise ConnectionResetError("the answer is lost")
            await send(message)

        await app(scope, receive, sent)

    config = uvicorn.Config(
        noting, port=house.port, ssl_certfile=str(certificate), ssl_keyfile=str(key), log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 20, "serving")
        yield house
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def fleet_of(url: str) -> Iterator[Fleet]:
    made = Fleet(Database(url), CodeKeys.from_secret(b"0" * 32))
    site = sites.create(made, SYSTEM, "le-port", {"nom": "Le Port"})
    postes.create(made, SYSTEM, NewPoste(site, SLUG, SLUG))
    yield made
    made.database.close()


@pytest.fixture
def fleet(database_url: str) -> Iterator[Fleet]:
    with fleet_of(database_url) as made:
        yield made


@pytest.fixture
def house(usual: dict[str, str], tmp_path: Path) -> Iterator[House]:
    """What the machine does is the same whatever the database."""
    with fleet_of(usual["PPM_DATABASE_URL"]) as made, housed(made, tmp_path) as known:
        yield known


def kiosk(folder: Path, *words: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """`ppm kiosk WORDS`, as a program, on the machine whose settings are in this folder."""
    named = {"PPM_SETTINGS_FILE": str(folder / "ppm.env")} | settings
    return subprocess.run(
        [sys.executable, "-m", "ppm", "kiosk", *words], env=clean_environment(**named), input=stdin, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def enrolled(house: House, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return kiosk(
        folder, "enrol", house.url, "--ca-sha256", more.pop("digest", house.digest),
        stdin=more.pop("token", "") or house.token(), **more,
    )  # fmt: skip


def known_password(house: House) -> str:
    with house.fleet.database.read() as tx:
        return str(tx.execute(select(identity.c.mot_de_passe)).scalar_one())


def test_a_machine_keeps_what_it_was_told_and_nobody_else_reads_its_password(
    house: House, tmp_path: Path
) -> None:
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "ppm.env").write_text("# ours\nPPM_BROKER_PASSWORD=old\nPPM_LANGUAGE=en\nPPM_POSTE=another\n")
    ran = enrolled(house, folder)
    assert ran.returncode == 0, ran.stderr
    settings = Settings.load({"PPM_SETTINGS_FILE": str(folder / "ppm.env")})
    made = poste_settings(settings, SLUG, tmp_path)
    assert (made.site, made.poste, made.language) == ("le-port", SLUG, "en")
    assert (made.broker.host, made.broker.port, made.broker.tls is not None) == ("127.0.0.1", 8883, True)
    assert matches(known_password(house), made.broker.password)
    assert stat.S_IMODE((folder / "broker.password").stat().st_mode) == 0o600
    assert made.broker.password not in ran.stdout + ran.stderr + (folder / "ppm.env").read_text()
    assert "# ours" in (folder / "ppm.env").read_text()
    assert ssl.create_default_context(cafile=folder / "ca.pem").get_ca_certs()
    assert sorted(one.name for one in folder.iterdir()) == ["broker.password", "ca.pem", "ppm.env"]


def test_the_line_of_the_qr_code_is_all_that_is_needed(house: House, tmp_path: Path) -> None:
    line = label(house.url, house.digest, house.token())
    ran = kiosk(tmp_path / "machine", "enrol", "--json", stdin=f"{line}\n")
    assert json.loads(ran.stdout) == {"poste": SLUG, "site": "le-port"}, ran.stderr


def test_a_server_of_another_authority_is_told_nothing(house: House, tmp_path: Path) -> None:
    token = house.token()
    ran = enrolled(house, tmp_path / "machine", digest="ab" * 32, token=token)
    assert ran.returncode == 1
    assert house.digest in ran.stderr
    assert house.asked == ["GET /api/enrolement/ca"]
    assert not (tmp_path / "machine").exists()


def test_a_server_that_the_authority_did_not_name_is_told_nothing(house: House, tmp_path: Path) -> None:
    url = house.url.replace("127.0.0.1", "localhost")
    ran = kiosk(tmp_path / "machine", "enrol", url, "--ca-sha256", house.digest, stdin=house.token())
    assert ran.returncode == 1
    assert "mismatch" in ran.stderr
    assert house.asked == ["GET /api/enrolement/ca"]


def test_without_a_fingerprint_the_system_s_authorities_are_believed(house: House, tmp_path: Path) -> None:
    ran = kiosk(tmp_path / "machine", "enrol", house.url, stdin=house.token())
    assert ran.returncode == 1
    assert "certificate verify failed" in ran.stderr
    assert house.asked == []


def test_nothing_is_told_in_clear_over_a_network(tmp_path: Path) -> None:
    ran = kiosk(tmp_path / "machine", "enrol", "http://192.0.2.1:8000", stdin="A" * 28)
    assert ran.returncode == 1
    assert "must be https://" in ran.stderr


def test_a_machine_that_is_refused_keeps_nothing(house: House, tmp_path: Path) -> None:
    ran = enrolled(house, tmp_path / "machine", token="A" * 28)
    assert ran.returncode == 1
    assert "Ce jeton n’ouvre rien" in ran.stderr
    assert list((tmp_path / "machine").iterdir()) == []


def test_a_lost_answer_costs_no_token(house: House, tmp_path: Path) -> None:
    token, folder = house.token(), tmp_path / "machine"
    house.lose = "POST /api/enrolement/"
    ran = enrolled(house, folder, token=token)
    assert ran.returncode == 1
    assert "may be given again" in ran.stderr
    house.lose = ""
    assert known_password(house)
    ran = enrolled(house, folder, token=token)
    assert ran.returncode == 0, ran.stderr
    assert matches(known_password(house), (folder / "broker.password").read_text().strip())


def test_a_wrong_word_after_a_lost_answer_costs_no_token_either(house: House, tmp_path: Path) -> None:
    token, folder = house.token(), tmp_path / "machine"
    house.lose = "POST /api/enrolement/"
    enrolled(house, folder, token=token)
    house.lose = ""
    assert enrolled(house, folder, token="A" * 28).returncode == 1
    assert enrolled(house, folder, token=token).returncode == 0


def test_two_fingerprints_that_differ_are_refused(house: House, tmp_path: Path) -> None:
    line = label(house.url, house.digest, "A" * 28)
    ran = kiosk(tmp_path / "machine", "enrol", "--ca-sha256", "0" * 64, stdin=line)
    assert ran.returncode == 1
    assert "another fingerprint" in ran.stderr
    assert house.asked == []


def test_the_token_is_in_no_list_of_processes(house: House, tmp_path: Path) -> None:
    token = house.token()
    command = [sys.executable, "-m", "ppm", "kiosk", "enrol", house.url, "--ca-sha256", house.digest]
    environment = clean_environment(PPM_SETTINGS_FILE=str(tmp_path / "machine" / "ppm.env"))
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        told = (
            Path(f"/proc/{running.pid}/cmdline").read_bytes()
            + Path(f"/proc/{running.pid}/environ").read_bytes()
        )
        running.communicate(f"{token}\n", timeout=60)
        assert running.returncode == 0
    assert token.encode() not in told


def test_a_machine_asks_to_be_seen(house: House, tmp_path: Path) -> None:
    ran = kiosk(tmp_path, "announce", house.url, "--ca-sha256", house.digest, "--json")
    assert ran.returncode == 0, ran.stderr
    (seen,) = enrolment_requests.search(house.fleet, SYSTEM, Page()).resultats
    assert seen.machine.empreinte == json.loads(ran.stdout)["empreinte"]
    assert seen.machine.nom == os.uname().nodename


class Noting(Agent):
    """An agent that notes when its link came and went."""

    ups: list[float]
    downs: list[float]

    def up(self) -> None:
        self.ups.append(time.monotonic())
        super().up()

    def down(self) -> None:
        self.downs.append(time.monotonic())
        super().down()


def test_an_enrolled_agent_connects_is_renewed_without_being_missed_and_is_cut_when_revoked(
    fleet: Fleet, mosquitto_binary: Binary, tmp_path: Path
) -> None:
    certificate, key = own_certificate(tmp_path, name="broker")
    folder = tmp_path / "machine"
    with PrivateBroker(
        mosquitto_binary, tmp_path / "broker", tls=Tls(certificate, certificate, key)
    ) as broker:
        where = f"mqtts://127.0.0.1:{broker.postes_port}"
        with housed(fleet, tmp_path, where, (certificate, key)) as house:
            ran = enrolled(house, folder)
            assert ran.returncode == 0, ran.stderr
            asyncio.run(lived(house, broker, folder))


async def lived(house: House, broker: PrivateBroker, folder: Path) -> None:
    """The life of an agent from its first connection to its revocation."""
    keeping = asyncio.create_task(Keeper(house.fleet, broker.folder, broker.folder / "data", "ppm").run())
    settings = Settings.load({"PPM_SETTINGS_FILE": str(folder / "ppm.env")})
    agent = Noting(poste_settings(settings, SLUG, folder), DryPlatform())
    agent.ups, agent.downs = [], []
    running = asyncio.create_task(agent.run())
    try:
        await eventually(lambda: agent.ups, 20, "connected")
        before = (folder / "broker.password").read_text()
        ran = await asyncio.to_thread(kiosk, folder, "renew")
        assert ran.returncode == 0, ran.stderr
        assert (folder / "broker.password").read_text() != before
        await eventually(lambda: len(agent.ups) == 2, 10, "back")
        gap = agent.ups[1] - agent.downs[0]
        print(f"renewed: away for {gap:.2f} s")
        assert gap < MISSED_S
        revoked = time.monotonic()
        await asyncio.to_thread(identities.revoke, house.fleet, SYSTEM, 1)
        await eventually(lambda: len(agent.downs) == 2, CUT_S, "cut")
        print(f"revoked: cut after {agent.downs[1] - revoked:.2f} s")
        await asyncio.sleep(2)
        assert len(agent.ups) == 2
    finally:
        agent.stop()
        await running
        keeping.cancel()
