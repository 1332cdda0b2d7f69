"""`ppm broker write`: every file of a broker, so that Mosquitto only has to be started on them."""

import getpass
import stat
from pathlib import Path

import pytest

from ppm.parts.broker import Account, Binary
from ppm.parts.process import Child, accepts, free_port
from tests.ppm.conftest import Ppm
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until


@pytest.fixture
def settings(ppm: Ppm, tmp_path: Path) -> dict[str, str]:
    """A deployment with a poste, and where its broker's files go."""
    ppm("site", "create", "annexe", "--nom", "Annexe")
    ppm("poste", "create", "annexe-01", "--site", "annexe")
    return {
        "PPM_BROKER_DIR": str(tmp_path / "mosquitto"),
        "PPM_BROKER_POSTES_ADDRESS": "127.0.0.1",
        "PPM_BROKER_POSTES_PORT": str(free_port()),
        "PPM_BROKER_SERVICES_PORT": str(free_port()),
    }


def test_mosquitto_runs_on_the_files_as_they_are_written(
    ppm: Ppm, settings: dict[str, str], mosquitto_binary: Binary, tmp_path: Path
) -> None:
    made = ppm("broker", "write", "--json", **settings).json
    passwords = {one["username"]: one["password"] for one in made["new"]}
    assert set(passwords) == {"controller", "observer", "annexe-01"}
    postes, services = int(settings["PPM_BROKER_POSTES_PORT"]), int(settings["PPM_BROKER_SERVICES_PORT"])
    command = [mosquitto_binary.broker, "-c", made["configuration"]]
    child = Child(command, tmp_path / "mosquitto.log", environment=mosquitto_binary.environment)
    child.start()
    try:
        wait_until(lambda: accepts(postes) and accepts(services), 10, "listening")
        topic = "ppm/v1/annexe/annexe-01/up/status"
        observer = Account("observer", passwords["observer"])
        poste = Account("annexe-01", passwords["annexe-01"])
        with Wire(services, observer) as seen, Wire(postes, poste, client_id="annexe-01") as speaks:
            seen.subscribe(topic)
            speaks.publish(topic, b"{}")
            wait_until(lambda: bool(seen.messages), 5, "heard")
    finally:
        child.stop()


def test_who_has_an_account_keeps_it_and_a_new_poste_gets_one(ppm: Ppm, settings: dict[str, str]) -> None:
    folder = Path(settings["PPM_BROKER_DIR"])
    ppm("broker", "write", **settings)
    before = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    again = ppm("broker", "write", "--json", **settings).json
    assert again["new"] == []
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == before
    ppm("poste", "create", "annexe-02", "--site", "annexe")
    ppm("poste", "credential", "annexe-01", "--write", **settings)
    third = ppm("broker", "write", "--renew", "observer", "--json", **settings).json
    assert {one["username"] for one in third["new"]} == {"annexe-02", "observer"}
    controller = before["services.passwords"].splitlines()[0]
    assert controller in (folder / "services.passwords").read_text()
    assert "annexe-02" in (folder / "postes.acl").read_text()


def test_passwords_go_into_files_that_only_their_owner_reads(
    ppm: Ppm, settings: dict[str, str], tmp_path: Path
) -> None:
    ran = ppm("broker", "write", "--into", str(tmp_path / "secrets"), **settings)
    assert ran.code == 0, ran.err
    for name in ("controller", "observer", "annexe-01"):
        path = tmp_path / "secrets" / f"{name}.password"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().strip() not in ran.out
        assert str(path) in ran.out
    for path in Path(settings["PPM_BROKER_DIR"]).iterdir():
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_broker_s_user_may_read_the_files(ppm: Ppm, settings: dict[str, str]) -> None:
    assert ppm("broker", "write", PPM_BROKER_USER=getpass.getuser(), **settings).code == 0
    configuration = Path(settings["PPM_BROKER_DIR"]) / "mosquitto.conf"
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o640
    assert f"user {getpass.getuser()}\n" in configuration.read_text()
    refused = ppm("broker", "write", PPM_BROKER_USER="nobody-of-that-name", **settings)
    assert (refused.code, refused.err) == (1, "ppm: PPM_BROKER_USER: there is no user nobody-of-that-name\n")


def test_a_listener_for_the_room_without_tls_is_told(ppm: Ppm, settings: dict[str, str]) -> None:
    assert ppm("broker", "write", **settings).err == ""
    open_to_all = {**settings, "PPM_BROKER_POSTES_ADDRESS": "0.0.0.0"}
    assert "travel in clear" in ppm("broker", "write", **open_to_all).err
    half = ppm("broker", "write", PPM_BROKER_SERVER_CERT_FILE="/x/cert.pem", **settings)
    assert half.code == 1
    assert "TLS needs all three" in half.err
    names = ("CA", "CERT", "KEY")
    whole = {f"PPM_BROKER_SERVER_{name}_FILE": f"/etc/{name.lower()}.pem" for name in names}
    assert ppm("broker", "write", **open_to_all, **whole).err == ""
    assert "certfile /etc/cert.pem" in (Path(settings["PPM_BROKER_DIR"]) / "mosquitto.conf").read_text()


def test_only_an_account_that_is_there_is_renewed(ppm: Ppm, settings: dict[str, str]) -> None:
    assert ppm("broker", "write", "--renew", "nobody", **settings).err == "ppm: there is no account nobody\n"
    for service in ("controller", "observer"):
        assert ppm("poste", "create", service, "--site", "annexe").code == 1
