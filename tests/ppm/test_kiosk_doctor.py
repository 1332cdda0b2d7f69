"""What the doctor of a poste finds, each planted, with its remedy."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk_agent.updating import start
from ppm import releases
from ppm.parts.broker import PrivateBroker
from ppm.parts.process import free_port
from tests.ppm.conftest import Ppm
from tests.ppm.test_doctor import Report

Doctor = Callable[..., Report]


@pytest.fixture
def doctor(ppm: Ppm, broker: PrivateBroker, tmp_path: Path) -> Doctor:
    (tmp_path / "p1").mkdir(mode=0o700)

    def examine(**settings: str) -> Report:
        usual = {
            "PPM_BROKER_URL": f"mqtt://{broker.host}:{broker.postes_port}",
            "PPM_SITE": "s",
            "PPM_POSTE": "p1",
            "PPM_STATE_DIR": str(tmp_path),
        }
        ran = ppm("kiosk", "doctor", "--json", **usual | settings)
        found = sorted(ran.json["findings"], key=lambda one: one["state"] == "failed")
        failed = [one for one in found if one["state"] == "failed"]
        assert all(one["remedy"] for one in failed)
        assert (ran.code, ran.json["ok"]) == ((1, False) if failed else (0, True))
        said = " | ".join(f"{one['check']}: {one['found']} -> {one['remedy']}" for one in failed)
        return Report(ran.code, ran.json["ok"], {one["check"]: one["state"] for one in found}, said)

    return examine


def test_a_poste_without_an_agent_has_that_alone_to_mend(doctor: Doctor) -> None:
    report = doctor()
    assert [check for check, state in report.states.items() if state == "failed"] == ["agent"], report.said
    for check in ("settings", "python", "versions", "broker", "folder", "disk"):
        assert report.states[check] == "ok", check
    assert report.states["tls"] == report.states["technician"] == report.states["updates"] == "absent"


def test_a_broker_that_is_not_there(doctor: Doctor) -> None:
    report = doctor(PPM_BROKER_URL=f"mqtt://127.0.0.1:{free_port()}")
    assert report.states["broker"] == "failed"
    assert "cable" in report.said


def test_a_broker_that_speaks_no_tls(doctor: Doctor, broker: PrivateBroker) -> None:
    report = doctor(PPM_BROKER_URL=f"mqtts://{broker.host}:{broker.postes_port}")
    assert (report.states["broker"], report.states["tls"]) == ("ok", "failed")


def test_a_secret_that_everybody_can_read_and_an_open_folder(doctor: Doctor, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("x" * 40)
    password.chmod(0o644)
    (tmp_path / "p1").chmod(0o755)
    report = doctor(PPM_BROKER_PASSWORD_FILE=str(password))
    assert (report.states["secrets"], report.states["folder"]) == ("failed", "failed")
    assert f"chmod o-rwx {password}" in report.said
    assert f"chmod 700 {tmp_path / 'p1'}" in report.said


def test_a_folder_that_is_not_there(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor(PPM_STATE_DIR=str(tmp_path / "nothing")).states["folder"] == "failed"


@pytest.mark.parametrize(
    ("name", "state"), [("nobody", "ok"), ("root", "failed"), ("no-such-account", "failed")]
)
def test_the_account_of_the_window_can_do_nothing(doctor: Doctor, name: str, state: str) -> None:
    assert doctor(PPM_WINDOW_USER=name).states["account"] == state


@pytest.mark.parametrize(("date", "state"), [("now", "ok"), ("Wed, 01 Jan 2020 00:00:00 GMT", "failed")])
def test_a_clock_that_is_not_the_server_s(doctor: Doctor, date: str, state: str) -> None:
    """The server is a few lines that tell a date."""
    from email.utils import formatdate

    said = formatdate(usegmt=True) if date == "now" else date

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nDate: {said}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def scene() -> Report:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(doctor, PPM_API_URL=f"http://127.0.0.1:{port}")

    report = asyncio.run(scene())
    assert (report.states["server"], report.states["clock"]) == ("ok", state)


def test_a_server_that_is_not_there(doctor: Doctor) -> None:
    assert doctor(PPM_API_URL=f"http://127.0.0.1:{free_port()}").states["server"] == "failed"


def test_slots_that_are_not_as_they_must_be(doctor: Doctor, tmp_path: Path) -> None:
    slots = tmp_path / "opt"
    slots.mkdir()
    keys = {
        "PPM_SLOTS_DIR": str(slots),
        "PPM_POSTE_KEY": "k" * 40,
        "PPM_RELEASE_PUBLIC_KEY": releases.public_key(releases.new_key()),
    }
    assert "current" in doctor(**keys).said
    start.point(slots, "a")
    assert "lacks start.py, a/bin/python" in doctor(**keys).said
    (slots / "a/bin").mkdir(parents=True)
    (slots / "a/bin/python").touch()
    (slots / "start.py").touch()
    assert doctor(**keys).states["updates"] == "ok"
    assert doctor(**keys | {"PPM_RELEASE_PUBLIC_KEY": ""}).states["updates"] == "failed"


def test_lines_for_people_have_the_remedy_below(ppm: Ppm, tmp_path: Path) -> None:
    settings = {
        "PPM_BROKER_URL": f"mqtt://127.0.0.1:{free_port()}", "PPM_SITE": "s", "PPM_POSTE": "p1",
        "PPM_STATE_DIR": str(tmp_path),
    }  # fmt: skip
    ran = ppm("kiosk", "doctor", **settings)
    assert ran.code == 1
    assert "✗ broker: 127.0.0.1" in ran.out
    assert "remedy: look at the cable" in ran.out
    assert [one.name for one in tmp_path.iterdir()] == ["fleet.db"], "it changes nothing"
