"""What the doctor finds, each planted, with its remedy."""

import base64
import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.database import engine
from mosquitto.files import CONFIGURATION
from ppm.parts.broker import PrivateBroker
from ppm.parts.process import free_port
from tests.ppm.conftest import Ppm
from tests.support.outside import mail_server


@dataclass(frozen=True)
class Report:
    """What the doctor said: state and words by check."""

    code: int
    ok: bool
    states: dict[str, str]
    said: str


Doctor = Callable[..., Report]


@pytest.fixture
def doctor(ppm: Ppm) -> Doctor:
    port = str(free_port())

    def examine(**settings: str) -> Report:
        ran = ppm("doctor", "--json", **{"PPM_HTTP_PORT": port, **settings})
        found = ran.json["findings"]
        failed = [one for one in found if one["state"] == "failed"]
        assert all(one["remedy"] for one in failed)
        states = {
            one["check"]: one["state"] for one in sorted(found, key=lambda one: one["state"] == "failed")
        }
        said = " | ".join(f"{one['found']} -> {one['remedy']}" for one in failed)
        return Report(ran.code, ran.json["ok"], states, said)

    return examine


def url(broker: PrivateBroker) -> str:
    return f"mqtt://controller@{broker.host}:{broker.services_port}"


def test_all_is_well_where_all_is_well(doctor: Doctor, broker: PrivateBroker, tmp_path: Path) -> None:
    report = doctor(
        PPM_BROKER_URL=url(broker),
        PPM_BROKER_PASSWORD=broker.controller.password,
        PPM_STATE_DIR=str(tmp_path),
    )
    assert report.code == 0, report.said
    for check in (
        "database",
        "schema",
        "clock",
        "broker",
        "account",
        "round trip",
        "mosquitto",
        "port",
        "folders",
    ):
        assert report.states[check] == "ok", check


def test_an_observer_is_no_fault(doctor: Doctor, broker: PrivateBroker) -> None:
    observer = f"mqtt://observer:{broker.observer.password}@{broker.host}:{broker.services_port}"
    report = doctor(PPM_BROKER_URL=observer)
    assert report.code == 0, report.said
    assert report.states["round trip"] == "absent"


def test_a_broker_that_is_not_there(doctor: Doctor) -> None:
    report = doctor(PPM_BROKER_URL=f"mqtt://controller@127.0.0.1:{free_port()}", PPM_BROKER_PASSWORD="x")
    assert (report.code, report.states["broker"]) == (1, "failed")
    assert "PPM_BROKER_URL" in report.said


def test_a_wrong_password_at_the_broker(doctor: Doctor, broker: PrivateBroker) -> None:
    report = doctor(PPM_BROKER_URL=url(broker), PPM_BROKER_PASSWORD="not it")
    assert (report.code, report.states["account"]) == (1, "failed")
    assert "not it" not in report.said


def test_a_broker_that_waits_before_it_sends(doctor: Doctor, own_broker: PrivateBroker) -> None:
    own_broker.stop()
    path = own_broker.folder / CONFIGURATION
    path.write_text(path.read_text().replace("set_tcp_nodelay true", "set_tcp_nodelay false"))
    own_broker._child.start()
    own_broker._child.wait_ready(own_broker._listens, 10)
    report = doctor(PPM_BROKER_URL=url(own_broker), PPM_BROKER_PASSWORD=own_broker.controller.password)
    assert report.states["round trip"] == "failed"
    assert "set_tcp_nodelay true" in report.said


def test_a_database_that_is_not_there(doctor: Doctor) -> None:
    report = doctor(PPM_DATABASE_URL=f"postgresql://ppm:of-mine@127.0.0.1:{free_port()}/ppm")
    assert (report.code, report.states["database"]) == (1, "failed")
    assert "of-mine" not in report.said


def test_a_schema_of_another_version(doctor: Doctor, tmp_path: Path) -> None:
    report = doctor(PPM_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert (report.code, report.states["schema"]) == (1, "failed")
    assert "ppm migrate" in report.said


def test_a_clock_that_is_off(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "clock", lambda _connection: datetime.now(UTC) + timedelta(seconds=3))
    report = doctor()
    assert (report.code, report.states["clock"]) == (1, "failed")
    assert "chrony" in report.said


def test_a_port_that_another_program_has(doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        report = doctor(PPM_HTTP_PORT=str(port))
    assert (report.code, report.states["port"]) == (1, "failed")
    assert f"{port} is taken" in report.said


def test_a_folder_that_is_missing(doctor: Doctor, tmp_path: Path) -> None:
    report = doctor(PPM_STATE_DIR=str(tmp_path / "gone"))
    assert (report.code, report.states["folders"]) == (1, "failed")
    assert f"mkdir -p {tmp_path / 'gone'}" in report.said


def test_a_folder_that_is_not_ours(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: str(path) != str(tmp_path))
    report = doctor(PPM_STATE_DIR=str(tmp_path))
    assert report.states["folders"] == "failed"
    assert f"of {getpass.getuser()} is not writable" in report.said


def test_a_secret_that_everybody_can_read(doctor: Doctor, tmp_path: Path) -> None:
    secret = tmp_path / "jwt"
    secret.write_text(base64.b64encode(os.urandom(40)).decode())
    secret.chmod(0o644)
    report = doctor(PPM_JWT_SECRET_FILE=str(secret))
    assert (report.code, report.states["secrets"]) == (1, "failed")
    assert f"chmod o-rwx {secret}" in report.said
    secret.chmod(0o640)
    assert doctor(PPM_JWT_SECRET_FILE=str(secret)).code == 0


def test_a_value_that_breaks_its_rule_and_a_word_that_is_no_setting(doctor: Doctor) -> None:
    report = doctor(PPM_ZONE="Mars/Olympus", PPM_HTTP_PROT="8000")
    assert report.code == 1
    assert "PPM_ZONE: a time zone" in report.said
    assert "PPM_HTTP_PROT is no setting" in report.said


def test_people_who_are_known_for_longer_than_their_sessions(doctor: Doctor) -> None:
    report = doctor(PPM_KEEP_SESSIONS_DAYS="90")
    assert (report.code, report.states["kept"]) == (1, "failed")
    assert "PPM_KEEP_PEOPLE_DAYS: is at most PPM_KEEP_SESSIONS_DAYS (90)" in report.said
    assert doctor(PPM_KEEP_SESSIONS_DAYS="90", PPM_KEEP_PEOPLE_DAYS="90").states["kept"] == "ok"


def test_a_poste_without_an_account(doctor: Doctor, ppm: Ppm, tmp_path: Path) -> None:
    ppm("site", "create", "annexe", "--nom", "Annexe")
    ppm("poste", "create", "annexe-01", "--site", "annexe")
    report = doctor(PPM_BROKER_DIR=str(tmp_path))
    assert report.states["accounts"] == "failed"
    assert "ppm poste credential annexe-01 --write" in report.said
    ppm("poste", "credential", "annexe-01", "--write", PPM_BROKER_DIR=str(tmp_path))
    assert doctor(PPM_BROKER_DIR=str(tmp_path)).code == 0


def test_people_read_a_line_per_finding_and_its_remedy(ppm: Ppm) -> None:
    ran = ppm("doctor", PPM_HTTP_PORT=str(free_port()), PPM_STATE_DIR="/nowhere")
    assert ran.code == 1
    assert "✗ folders: PPM_STATE_DIR: /nowhere is not there\n    remedy: mkdir -p /nowhere" in ran.out


def test_a_folder_that_the_demo_will_make_is_no_fault(doctor: Doctor, tmp_path: Path) -> None:
    report = doctor(PPM_DATA_DIR=str(tmp_path / "later"))
    assert (report.code, report.states["folders"]) == (0, "ok")


def test_a_wrong_value_is_said_once(ppm: Ppm) -> None:
    ran = ppm("doctor", PPM_HTTP_PORT="eighty", PPM_BROKER_URL="http://x", PPM_MQTT_PORT="0")
    for name in ("PPM_HTTP_PORT", "PPM_BROKER_URL", "PPM_MQTT_PORT"):
        assert ran.out.count(f"{name}: ") == 1, ran.out


def test_an_address_that_is_not_of_this_machine(doctor: Doctor) -> None:
    report = doctor(PPM_HTTP_HOST="192.0.2.7")
    assert (report.code, report.states["port"]) == (1, "failed")
    assert "PPM_HTTP_HOST: 192.0.2.7 is no address here" in report.said
    assert doctor(PPM_HTTP_HOST="0.0.0.0").code == 0


def test_the_port_of_the_demo_s_broker_is_looked_at(ppm: Ppm) -> None:
    free = free_port()
    ran = ppm("doctor", PPM_MQTT_PORT=str(free), PPM_HTTP_PORT=str(free_port()))
    assert f"PPM_MQTT_PORT: {free} is free" in ran.out


def test_an_empty_database_is_said_in_plain_words(doctor: Doctor, tmp_path: Path) -> None:
    assert (
        "the database is empty; this version needs"
        in doctor(PPM_DATABASE_URL=f"sqlite:///{tmp_path}/e.db").said
    )


def test_a_database_file_that_cannot_be_opened_is_named(ppm: Ppm, doctor: Doctor, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gone/fleet.db"
    assert f"mkdir -p {tmp_path}/gone" in doctor(PPM_DATABASE_URL=url).said
    ran = ppm("site", "list", PPM_DATABASE_URL=url)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert f"{tmp_path}/gone/fleet.db" in ran.err


def test_a_mail_server_that_answers_is_well_and_one_that_does_not_is_not(doctor: Doctor) -> None:
    port = free_port()
    given = {"PPM_SMTP_URL": f"smtp+plain://127.0.0.1:{port}", "PPM_SMTP_FROM": "postes@example.re"}
    with mail_server(port):
        assert doctor(**given).states["mail"] == "ok"
    report = doctor(**given)
    assert report.states["mail"] == "failed"
    assert f"127.0.0.1:{port}" in report.said
    assert "PPM_SMTP_URL" in report.said
    assert "mail" not in doctor().states


def test_alerts_that_no_mail_server_would_take_are_a_fault(doctor: Doctor) -> None:
    report = doctor(PPM_ALERT_EMAILS="accueil@example.re")
    assert report.states["mail"] == "failed"
    assert "PPM_SMTP_URL" in report.said


def test_what_could_not_be_looked_at_is_not_said_to_be_well(ppm: Ppm, broker: PrivateBroker) -> None:
    port = str(free_port())
    ran = ppm("doctor", PPM_HTTP_PORT=port)
    assert ran.code == 0, ran.out
    assert ran.out.endswith("what was checked is well; not checked: broker\n")
    assert ppm("doctor", "--json", PPM_HTTP_PORT=port).json["not_checked"] == ["broker"]
    whole = {"PPM_BROKER_URL": url(broker), "PPM_BROKER_PASSWORD": broker.controller.password}
    assert ppm("doctor", PPM_HTTP_PORT=port, **whole).out.endswith("\nall is well\n")
    failed = ppm("doctor", PPM_HTTP_PORT=port, PPM_STATE_DIR="/nowhere")
    assert failed.out.endswith("1 to mend; not checked: broker\n")
