"""A poste in a terminal: on a screen, in a pipe, and with nothing of the server installed."""

import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from ppm import window
from ppm.parts.broker import PrivateBroker
from ppm.setting_values import Settings
from protocol import codec, topics
from protocol.messages import Start, Status
from tests.ppm.conftest import clean_environment
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def settings(broker: PrivateBroker, site: str, password: str, folder: Path) -> dict[str, str]:
    return clean_environment(
        PPM_BROKER_URL=f"mqtt://{broker.host}:{broker.postes_port}",
        PPM_BROKER_PASSWORD=password,
        PPM_SITE=site,
        PPM_POSTE=f"{site}-p1",
        PPM_STATE_DIR=str(folder),
        PPM_LOG_LEVEL="error",
    )


def play(python: str, broker: PrivateBroker, site: str, folder: Path) -> None:
    """A poste that comes, has a code typed, and leaves."""
    poste = f"{site}-p1"
    account = broker.add_poste(site, poste)
    with Wire(broker.services_port, broker.controller) as wire:
        wire.subscribe(topics.STATUS.path(site, poste), topics.REQUEST.path(site, poste))
        kiosk = subprocess.Popen(
            [python, "-m", "ppm", "kiosk"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=folder, env=settings(broker, site, account.password, folder),
        )  # fmt: skip
        try:
            wait_until(lambda: status(wire, site, poste, online=True), 20, "online")
            assert kiosk.stdin is not None
            kiosk.stdin.write("k7m q2r\n")
            kiosk.stdin.flush()
            wait_until(lambda: codes(wire, site, poste), 10, "asked to start")
            assert codes(wire, site, poste)[0].replace(" ", "").upper() == "K7MQ2R"
            kiosk.send_signal(signal.SIGTERM)
            out, err = kiosk.communicate(timeout=10)
            wait_until(lambda: status(wire, site, poste, online=False), 5, "offline")
        finally:
            kiosk.kill()
            kiosk.communicate()
    assert kiosk.returncode == 0, err
    assert "[locked]" in out
    assert "Traceback" not in err


def status(wire: Wire, site: str, poste: str, *, online: bool) -> bool:
    """Whether the last thing said of the poste is that it is there, or that it left cleanly."""
    mine = [one.payload for one in wire.messages if one.topic == topics.STATUS.path(site, poste)]
    said: list[Status] = [codec.decode(topics.STATUS, payload) for payload in mine]
    return bool(said) and said[-1].online is online and (online or said[-1].reason == "stopping")


def codes(wire: Wire, site: str, poste: str) -> list[str]:
    mine = [one.payload for one in wire.messages if one.topic == topics.REQUEST.path(site, poste)]
    asked = [codec.decode(topics.REQUEST, payload) for payload in mine]
    return [one.code for one in asked if isinstance(one, Start)]


def test_a_poste_in_a_pipe_comes_types_and_leaves(broker: PrivateBroker, site: str, tmp_path: Path) -> None:
    play(sys.executable, broker, site, tmp_path)


def test_a_poste_that_is_not_set_up_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ppm", "kiosk"], capture_output=True, text=True, env=clean_environment()
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ppm: PPM_")
    assert done.stderr.count("\n") == 1


def test_the_window_is_given_the_picture_of_the_settings_or_the_one_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PPM_LOGO_FILE", "/etc/poste-public/logo.png")
    settings = Settings.load()
    for said, shown in ((None, "/etc/poste-public/logo.png"), (Path("/tmp/other.png"), "/tmp/other.png")):
        command = list(window.plan(settings, tmp_path, "fr", said).launch.command)
        assert command[command.index("--logo") + 1] == shown
    monkeypatch.delenv("PPM_LOGO_FILE")
    assert "--logo" not in window.plan(Settings.load(), tmp_path, "fr", None).launch.command


@pytest.mark.long
def test_a_poste_runs_with_the_kiosk_s_packages_alone(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    """An environment of `locks/kiosk.lock` and our own code, without its dependencies of the server."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv/bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "locks/kiosk.lock"], check=True)
    subprocess.run([*pip, "hatchling", "editables"], check=True)
    subprocess.run([*pip, "--no-index", "--no-build-isolation", "--no-deps", ROOT], check=True)
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert not any(
        name in listed.lower() for name in ("sqlalchemy", "litestar", "aiomqtt", "httpx", "pyside6")
    )
    (tmp_path / "state").mkdir()
    play(python, broker, site, tmp_path / "state")
    refused = subprocess.run(
        [python, "-m", "ppm", "migrate"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(),
    )
    assert refused.returncode == 1
    assert "pip install 'poste-public-manager[server]'" in refused.stderr
    helped = subprocess.run([python, "-m", "ppm", "--help"], capture_output=True, cwd=tmp_path)
    assert helped.returncode == 0
