"""A poste on a real Debian 12 with its own systemd: what visitors run is really held, killed and wiped."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fleet.domain.actor import SYSTEM
from fleet.usecases import poste_credentials
from ppm import releases
from ppm.parts.broker import Binary
from protocol.release import Release
from tests.end_to_end.debian_poste import (
    HOME,
    LONG_S,
    UNITS,
    DebianPoste,
    debian_poste,
    dress,
    install,
    now_ms,
)
from tests.end_to_end.stage import Stage
from tests.support.debian import PYTHON, SLOTS, Debian
from tests.support.waiting import wait_until
from tests.support.wheels import CRASHES, NEW, OLD, SILENT, build

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
SLACK_MS = 1_000


@pytest.fixture
def poste(mosquitto_binary: Binary, tmp_path: Path) -> Iterator[DebianPoste]:
    """A poste that waits for a code, with a grace of two seconds."""
    with Stage(tmp_path, mosquitto_binary) as stage:
        room = stage.room("accueil", politique={"grace_s": 2})
        stage.controller("one", room).start()
        with debian_poste(stage, room, tmp_path) as poste:
            yield poste


def begin(poste: DebianPoste, seconds: int) -> int:
    """A visitor sits down: the code is typed, and the desktop runs."""
    session, code = poste.stage.create(poste.room, seconds)
    poste.type_code(code)
    wait_until(poste.runs, LONG_S, "the visitor's program")
    wait_until(lambda: poste.phase() == "active", LONG_S, "active for the desk")
    return session


def test_a_visit_ends_with_the_grace_and_leaves_nothing(poste: DebianPoste) -> None:
    machine = poste.machine
    session = begin(poste, 8)
    end = poste.end_ms()
    assert machine.do("cat", f"{HOME}/lettre.txt") == "un mot pour la mairie"
    hidden = machine.do("pgrep", "-u", "visiteur", "-x", "sleep").split()
    assert len(hidden) == 3, "processes that hide from whoever would end them"
    assert machine.do("loginctl", "show-user", "-p", "State", "visiteur") == "State=active"
    wait_until(poste.covered, LONG_S, "the lock")
    poste.wait_free(LONG_S)
    free = now_ms()
    assert poste.pids() == []
    assert machine.sh("cat /sys/fs/cgroup/user.slice/user-1000.slice/cgroup.freeze") == "1"
    assert end - SLACK_MS < poste.ticks()[-1] <= end + SLACK_MS
    assert free - end < 5_000, f"free {free - end} ms after the end"
    assert machine.do("find", HOME, "-mindepth", "1") == ""
    assert machine.do("find", "/tmp", "/var/tmp", "/dev/shm", "-user", "visiteur") == ""
    assert machine.run("findmnt", HOME).stdout == ""
    ended = poste.stage.rows("SELECT statut, motif_fin FROM session WHERE id = :id", id=session)
    assert ended == [("expiree", "duree_ecoulee")]
    assert machine.do("systemctl", "--failed", "--no-legend") == ""
    screen = {"DISPLAY": ":0", "XAUTHORITY": "/run/poste-public-screen/authority"}
    assert "ru,fr" not in machine.do("setxkbmap", "-query", **screen), "the keyboard is as it was"
    wait_until(poste.covered, LONG_S, "a lock on the new screen")
    told = poste.stage.rows("SELECT action FROM log WHERE action = 'erreur'")
    assert told == [], "a screen that is started anew is no trouble"


def test_the_next_visitor_finds_a_fresh_home(poste: DebianPoste) -> None:
    poste.machine.write("/etc/poste-public/skeleton/bienvenue.txt", "bonjour")
    first = begin(poste, 600)
    poste.machine.do("sh", "-c", f"echo mine > {HOME}/bienvenue.txt; echo mine > {HOME}/mine")
    assert poste.stage.act("terminate", first).ok
    poste.wait_free()
    begin(poste, 600)
    assert poste.machine.do("cat", f"{HOME}/bienvenue.txt") == "bonjour"
    assert "mine" not in poste.machine.do("ls", HOME)


def test_a_pause_holds_what_the_visitor_runs_and_the_way_back_lets_it_go_on(poste: DebianPoste) -> None:
    session = begin(poste, 600)
    before = set(poste.pids())
    assert poste.stage.act("suspend", session).ok
    wait_until(poste.covered, LONG_S, "the lock")
    wait_until(lambda: not poste.runs(), LONG_S, "all stands still")
    time.sleep(1)
    assert not poste.runs()
    assert set(poste.pids()) == before, "what runs there is kept"
    assert poste.stage.act("resume", session).ok
    wait_until(poste.runs, LONG_S, "it goes on")
    wait_until(lambda: not poste.covered(), LONG_S, "the lock is away")
    assert set(poste.pids()) >= before
    assert poste.machine.do("cat", f"{HOME}/lettre.txt") == "un mot pour la mairie"


def test_a_killed_agent_leaves_all_frozen_and_the_next_one_goes_on_without_cleaning(
    poste: DebianPoste,
) -> None:
    machine = poste.machine
    begin(poste, 600)
    before, agent, window = set(poste.pids()), poste.agent_pid(), poste.window_pid()
    ticks = len(poste.ticks())
    # The next one comes late, so that there is something to look at.
    machine.write("/run/systemd/system/ppm-kiosk.service.d/late.conf", "[Service]\nRestartSec=6\n")
    machine.do("systemctl", "daemon-reload")
    machine.do("kill", "-9", str(agent))
    killed = now_ms()
    wait_until(lambda: not poste.runs(), 5, "all stands still")
    wait_until(poste.covered, 5, "the window locks by itself")
    assert poste.ticks()[-1] - killed < SLACK_MS
    machine.do("rm", "/run/systemd/system/ppm-kiosk.service.d/late.conf")
    machine.do("systemctl", "daemon-reload")
    wait_until(poste.runs, LONG_S, "the session goes on")
    wait_until(lambda: not poste.covered(), LONG_S, "the lock is away")
    assert poste.agent_pid() not in (0, agent)
    assert poste.window_pid() == window
    assert set(poste.pids()) >= before
    assert len(poste.ticks()) > ticks
    assert machine.do("cat", f"{HOME}/lettre.txt") == "un mot pour la mairie"


def test_a_hanging_agent_is_killed_by_the_watchdog_and_started_again(poste: DebianPoste) -> None:
    begin(poste, 600)
    agent = poste.agent_pid()
    poste.machine.do("kill", "-STOP", str(agent))
    wait_until(poste.covered, 10, "the window hears nobody and locks")
    wait_until(lambda: poste.agent_pid() not in (0, agent), 15, "another agent")
    wait_until(poste.runs, LONG_S, "the session goes on")


def test_without_a_network_and_with_a_stopped_window_the_end_is_still_the_end(poste: DebianPoste) -> None:
    begin(poste, 8)
    end = poste.end_ms()
    poste.cable.shut()
    window = poste.window_pid()
    for _ in range(3):
        poste.machine.do("kill", "-STOP", window)
        time.sleep(0.4)
        poste.machine.run("kill", "-CONT", window)
        time.sleep(0.4)
    wait_until(lambda: now_ms() > end, LONG_S, "the end")
    wait_until(lambda: not poste.pids(), 10, "nothing of the visitor's")
    assert end - SLACK_MS < poste.ticks()[-1] <= end + SLACK_MS
    wait_until(poste.covered, 10, "the lock")
    poste.cable.open()
    poste.wait_free()


def test_a_stopped_window_is_killed_and_another_takes_its_place_while_the_visit_goes_on(
    poste: DebianPoste,
) -> None:
    begin(poste, 600)
    window = poste.window_pid()
    poste.machine.do("kill", "-STOP", window)
    wait_until(lambda: poste.window_pid() not in ("", window), 15, "another window")
    assert poste.machine.run("kill", "-0", window).returncode != 0
    wait_until(poste.runs, LONG_S, "the session goes on")
    wait_until(lambda: not poste.covered(), LONG_S, "the lock is away")


def test_without_any_window_the_visitor_stands_still_until_there_is_one(poste: DebianPoste) -> None:
    machine = poste.machine
    begin(poste, 600)
    machine.do("chmod", "000", "/run/poste-public-screen/authority")
    machine.do("kill", "-9", poste.window_pid())
    killed = now_ms()
    wait_until(lambda: not poste.runs(), 10, "all stands still")
    assert poste.ticks()[-1] - killed < 2_000 + SLACK_MS
    machine.do("chmod", "640", "/run/poste-public-screen/authority")
    wait_until(poste.runs, LONG_S, "it goes on")


def test_a_machine_that_goes_down_with_a_frozen_visitor_does_not_wait_for_it(poste: DebianPoste) -> None:
    session = begin(poste, 600)
    assert poste.stage.act("suspend", session).ok
    wait_until(lambda: not poste.runs(), LONG_S, "all stands still")
    began = time.monotonic()
    os.kill(poste.machine.pid, signal.SIGRTMIN + 4)  # power off
    wait_until(lambda: not Path(f"/proc/{poste.machine.pid}").exists(), 40, "down")
    assert time.monotonic() - began < 20


def test_a_technician_opens_the_lock_of_a_poste_that_no_server_answers(poste: DebianPoste) -> None:
    """At the page of the window, which has the account `poste-window` and is believed for nothing."""
    machine, secret = poste.machine, "un vieux moulin bleu"
    machine.write("/root/secret", f"{secret}\n")
    settings = {"PPM_SETTINGS_FILE": "/etc/poste-public/ppm.env"}
    machine.do(PYTHON, "-m", "ppm", "kiosk", "secret", "--from-file", "/root/secret", **settings)
    assert machine.do("ps", "-o", "user=", "-p", poste.window_pid()) == "poste-window"
    poste.cable.shut()

    def opens(typed: str, within_s: float) -> bool:
        poste.finger("key", "Escape")
        poste.finger("key", "ctrl+alt+o")
        poste.finger("type", "--delay", "2", typed)
        poste.finger("key", "Return")
        poste.finger("type", "--delay", "2", "serveur en panne")
        poste.finger("key", "Return")
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not poste.covered(), within_s)
        return not poste.covered()

    assert not opens("un vieux moulin rouge", 3)
    assert poste.pids() == []
    wait_until(lambda: opens(secret, 8), LONG_S, "the secret opens it")
    wait_until(poste.runs, LONG_S, "the desktop")
    machine.do(PYTHON, "-m", "ppm", "kiosk", "lock", **settings)
    wait_until(lambda: poste.pids() == [], LONG_S, "all of it is wiped")
    wait_until(poste.covered, LONG_S, "the lock")
    poste.cable.open()
    poste.wait_free()
    poste.stage.wait_kept(poste.room, "deverrouillage_manuel", 2, within_s=LONG_S)
    told = str(poste.stage.rows("SELECT details, metadata FROM log WHERE action = 'deverrouillage_manuel'"))
    assert "serveur en panne" in told


# ---------------------------------------------------------------- another version


@pytest.fixture
def renewed(mosquitto_binary: Binary, tmp_path: Path) -> Iterator[DebianPoste]:
    """A poste that runs the old version, out of a wheel, and gets others from the API of its own server."""
    key, served = releases.new_key(), tmp_path / "releases"
    ticks = tmp_path / "ticks"
    ticks.mkdir()
    ticks.chmod(0o777)
    with Stage(tmp_path, mosquitto_binary) as stage:
        for version in (OLD, NEW, CRASHES, SILENT):
            (tmp_path / version).mkdir()
            releases.add(served, build(tmp_path / version, version), key)
        room = stage.room("accueil")
        controller = stage.controller("one", room)
        controller.configuration["releases"] = str(served)
        controller.start()
        with (
            Debian(tmp_path, binds={served: "/wheels", ticks: "/ticks"}) as machine,
            machine.door(1883, room.broker.postes_port) as cable,
            machine.door(8000, controller.configuration["http_port"]),
        ):
            machine.do(PYTHON, "-m", "ensurepip")
            pip = (PYTHON, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall")
            machine.sh(f"{' '.join(pip)} /wheels/*-{OLD}-*.whl")
            install(
                machine, room, PPM_API_URL="http://127.0.0.1:8000",
                PPM_POSTE_KEY=poste_credentials.issue(stage.fleet, SYSTEM, room[0].id),
                PPM_RELEASE_PUBLIC_KEY=releases.public_key(key),
            )  # fmt: skip
            dress(machine)
            poste = DebianPoste(machine, stage, room, cable, ticks / "ticks")
            machine.do("systemctl", "start", "ppm-kiosk")
            wait_until(poste.covered, LONG_S, "a lock")
            poste.wait_free()
            yield poste


def order(poste: DebianPoste, version: str) -> None:
    """The desk orders this version of what the server has."""
    (statement,) = (poste.stage.folder / "releases").glob(f"*-{version}-*.sig")
    told = msgspec.json.decode(statement.read_bytes(), type=Release)
    body = {"op": "update", "version": version, "sha256": told.sha256}
    answer = poste.stage.open_desk().post(f"/postes/{poste.slug}/commands/", body)
    assert answer.ok, answer


def runs_version(poste: DebianPoste) -> str:
    """The version that the desk sees there."""
    wanted = "SELECT version_client FROM presence WHERE poste_id = :poste"
    return str(poste.stage.rows(wanted, poste=poste.room[0].id)[0][0])


def test_a_version_that_the_desk_orders_runs_and_one_that_does_not_come_up_is_left(
    renewed: DebianPoste,
) -> None:
    poste, machine = renewed, renewed.machine
    wait_until(lambda: runs_version(poste) == OLD, LONG_S, "the old version")
    assert machine.do("readlink", f"{SLOTS}/current") == "a"
    order(poste, NEW)
    wait_until(lambda: runs_version(poste) == NEW, LONG_S, "the new version")
    assert machine.do("readlink", f"{SLOTS}/current") == "b"
    wait_until(lambda: machine.run("test", "-e", f"{SLOTS}/update.json").returncode == 1, LONG_S, "told")
    for failed, version in enumerate((CRASHES, SILENT), start=1):
        order(poste, version)
        poste.stage.wait_kept(poste.room, "erreur", failed, within_s=LONG_S)
        poste.wait_free()
        assert runs_version(poste) == NEW
        assert machine.do("readlink", f"{SLOTS}/current") == "b"
    told = str(poste.stage.rows("SELECT metadata FROM log WHERE action = 'erreur' ORDER BY numero"))
    assert told.count("update_rolled_back") == 2, told
    agent = machine.do("cat", f"/proc/{poste.agent_pid()}/cmdline")
    assert agent.replace("\0", " ").startswith(f"{SLOTS}/current/bin/python -m ppm kiosk --window")
    begin(poste, 600)


# ---------------------------------------------------------------- the machine itself


def test_the_install_command_may_be_repeated_and_taken_back(mosquitto_binary: Binary, tmp_path: Path) -> None:
    with Stage(tmp_path, mosquitto_binary) as stage, Debian(tmp_path) as machine:
        room = stage.room("accueil")
        before = machine.sh("find /etc | sort")
        would = install(machine, room, "--dry-run")
        assert {one["state"] for one in would} == {"would", "already"}
        assert machine.sh("find /etc | sort") == before
        assert {one["state"] for one in install(machine, room)} == {"done", "already"}
        machine.write("/etc/poste-public/visitor-session", "#!/bin/sh\nexec mate-session\n")
        machine.do("rm", f"{UNITS}/ppm-home.service")
        again = {one["name"]: one["state"] for one in install(machine, room)}
        assert again.pop(f"{UNITS}/ppm-home.service") == "done"
        changed = {name for name, state in again.items() if state not in ("already", "kept")}
        assert changed <= {"systemd", "systemd-logind", "90-poste-public.conf", "ppm-kiosk.service"}
        assert "mate-session" in machine.do("cat", "/etc/poste-public/visitor-session")
        assert machine.sh("stat -c '%a %U' /etc/poste-public/ppm.env") == "600 root"
        assert_no_way_around(machine)
        machine.do(PYTHON, "-m", "ppm", "kiosk", "uninstall", "--json")
        left = set(machine.sh("find /etc | sort").splitlines()) - set(before.splitlines())
        ours = {name for name in left if "poste-public" not in name and "polkit-1" not in name}
        assert {name for name in ours if not name.endswith("-") and "/X11" not in name} <= {"/etc/.pwd.lock"}
        assert machine.do("ls", SLOTS) == "a", "what starts the slots is gone with it"
        assert machine.run("id", "visiteur").returncode != 0
        assert machine.run("systemctl", "is-enabled", "getty@tty1").stdout.strip() != "masked"


def assert_no_way_around(machine: Debian) -> None:
    """Neither terminals, nor keys, nor a password."""
    units = [f"{UNITS}/{name}" for name in ("ppm-kiosk.service", "ppm-screen.service", "ppm-visitor.service")]
    verified = machine.run("systemd-analyze", "verify", *units, f"{UNITS}/ppm-home.service")
    assert "ppm-" not in verified.stderr, verified.stderr
    logind = machine.do("systemd-analyze", "cat-config", "systemd/logind.conf")
    for line in (
        "NAutoVTs=0",
        "ReserveVT=0",
        "HandlePowerKey=ignore",
        "HandleLidSwitch=ignore",
        "KillUserProcesses=yes",
    ):
        assert line in logind.splitlines()
    asked = ("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1")
    assert machine.do(*asked, "org.freedesktop.login1.Manager", "HandlePowerKey") == 's "ignore"'
    assert machine.do(*asked, "org.freedesktop.login1.Manager", "KillUserProcesses") == "b true"
    for name in ("getty@tty1.service", "autovt@.service", "ctrl-alt-del.target"):
        assert machine.run("systemctl", "is-enabled", name).stdout.strip() == "masked"
    assert "CtrlAltDelBurstAction=none" in machine.do("systemd-analyze", "cat-config", "systemd/system.conf")
    assert "kernel.sysrq = 0" in machine.do("systemd-analyze", "cat-config", "sysctl.d/90-poste-public.conf")
    for account in ("visiteur", "poste-window"):
        assert machine.do("passwd", "--status", account).split()[1] == "L", "nobody logs in as them"


def test_the_platform_of_a_debian_machine_keeps_the_contract_of_platforms(
    mosquitto_binary: Binary, tmp_path: Path
) -> None:
    with Stage(tmp_path, mosquitto_binary) as stage, Debian(tmp_path) as machine:
        install(machine, stage.room("accueil"))
        dress(machine)
        machine.write("/etc/poste-public/visitor-session", "#!/bin/sh\ntrap '' TERM\nexec sleep 9000\n")
        machine.do("systemctl", "start", "user-1000.slice", "ppm-screen")
        ran = machine.run(
            PYTHON, "-B", "-m", "pytest", "--noconftest", "-p", "pytest_timeout", "-p", "no:cacheprovider", "-rA",
            "--rootdir", "/opt/checkout", "/opt/checkout/tests/kiosk_agent/platform/test_contract.py",
            DISPLAY=":0", XAUTHORITY="/run/poste-public-screen/authority", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            PPM_CONTRACT="linux",
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stdout.count("[linux") >= 12, ran.stdout
        assert "idleness_unknown" not in ran.stdout
