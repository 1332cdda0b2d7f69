"""The demo, as people start it: a process of its own on free ports."""

import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ppm.parts.broker import Account, Binary, PrivateBroker
from ppm.parts.process import accepts, free_port
from tests.ppm.conftest import clean_environment
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("demo")
READY_S = 30
VISIT_S = 40
SOMEBODY = {
    "nom": "Quatrepoint",
    "prenom": "Zéphirine",
    "telephone": "0692 42 42 42",
    "email": "zephirine@example.org",
}


@dataclass
class Demo:
    """A demo that was started."""

    folder: Path
    process: "subprocess.Popen[str]"
    output: Path
    facts: dict[str, Any] = field(default_factory=dict)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_ready(self) -> None:
        path = self.folder / "demo.json"
        wait_until(lambda: path.exists() or self.process.poll() is not None, READY_S, "ready")
        assert path.exists(), self.said()
        self.facts = json.loads(path.read_text(encoding="utf-8"))

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """The API, logged in."""
        with httpx.Client(base_url=f"{self.facts['api']}/api", timeout=10, trust_env=False) as client:
            answer = client.post("/token/", json=self.facts["operator"])
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
            yield client

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path, mosquitto_binary: Binary) -> Iterator[Start]:
    """Starts demos; those that still run at the end are stopped."""
    started: list[Demo] = []

    def begin(*words: str, name: str = "demo", **settings: str) -> Demo:
        folder, output = tmp_path / name, tmp_path / f"{name}.out"
        usual = {"PPM_DATA_DIR": str(folder), "PPM_HTTP_PORT": str(free_port())}
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "ppm", "demo", *words],
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env=clean_environment(**{**usual, **settings}),
            )
        started.append(Demo(folder, process, output))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait(10)


def those_of(demo: Demo) -> list[str]:
    """The processes that have to do with a demo's folder."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(demo.folder) in line]


def typed(demo: Demo, words: str) -> "subprocess.CompletedProcess[str]":
    """A line in another terminal, which knows the demo's folder only."""
    environment = clean_environment(PPM_DATA_DIR=str(demo.folder))
    line = [sys.executable, "-m", "ppm", *words.split()]
    return subprocess.run(line, capture_output=True, text=True, env=environment, timeout=50)


def read_me_s_other_tools_find(demo: Demo) -> None:
    verified = typed(demo, "audit verify")
    assert verified.returncode == 0, verified.stderr
    assert re.fullmatch(r"the audit trail holds: [1-9]\d* rows\n", verified.stdout)
    assert f"this is the demo that runs in {demo.folder}" in verified.stderr
    examined = typed(demo, "doctor")
    assert examined.returncode == 0, examined.stdout
    for line in (
        f"demo: one runs in {demo.folder}",
        f"database: {demo.facts['database']}",
        "schema: revision",
    ):
        assert f"✓ {line}" in examined.stdout
    for line in ("account: let in", f"port: {demo.facts['api'].rpartition(':')[2]}: the API answers"):
        assert f"✓ {line}" in examined.stdout
    assert examined.stdout.endswith("what was checked is well; not checked: round trip\n")


def test_callers_that_hang_up_end_no_server(start: Start) -> None:
    demo = start("--postes", "1", "--no-visitors")
    demo.wait_ready()
    where = urlsplit(demo.facts["api"])
    for number in range(60):
        with socket.create_connection((where.hostname, where.port), timeout=5) as caller:
            caller.sendall(b"GET /assets/x HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
            if number % 2:  # go with a reset, not with a word
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with demo.client() as client:
        assert client.get("/health/ready").status_code == 200
    assert demo.stop() == 0


def test_a_demo_is_whole_and_leaves_nothing(start: Start) -> None:
    demo = start("--no-visitors", PPM_MQTT_PORT=str(free_port()))
    demo.wait_ready()
    facts = demo.facts
    assert set(facts) == {"api", "mqtt", "database", "operator", "postes"}
    assert set(facts["mqtt"]) == {"host", "port", "username", "password", "root"}
    assert set(facts["operator"]) == {"login", "password"}
    assert len(facts["postes"]) == 12
    assert stat.S_IMODE((demo.folder / "demo.json").stat().st_mode) == 0o600

    with demo.client() as client:
        postes = client.get("/postes/", params={"limit": 50}).json()["resultats"]
        assert sorted(one["slug"] for one in postes) == facts["postes"]
        assert all(one["est_en_ligne"] and one["statut"] == "disponible" for one in postes)
        assert client.get("/health/ready").status_code == 200
        root = client.get(facts["api"])
    assert root.status_code == 200
    assert '<div id="page">' in root.text
    assert "default-src 'none'" in root.headers["content-security-policy"]

    mqtt = facts["mqtt"]
    with Wire(mqtt["port"], Account(mqtt["username"], mqtt["password"])) as wire:
        wire.subscribe(f"{mqtt['root']}/v1/+/+/up/status")
        wait_until(lambda: len(wire.messages) == 12, what="told of every poste")

    for word in (facts["api"], facts["operator"]["password"], f"-p {mqtt['port']}", mqtt["password"]):
        assert word in demo.said()
    line = re.search(r"in words +(.+)", demo.said())
    assert line is not None
    watched = subprocess.run(
        f"timeout -s INT 4 env {line[1]} --json",
        shell=True,
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert '"is there, connection 1"' in watched.stdout, watched.stderr
    read_me_s_other_tools_find(demo)

    assert those_of(demo)
    assert demo.stop() == 0
    assert those_of(demo) == []
    assert not accepts(mqtt["port"])
    assert not (demo.folder / "demo.json").exists()


def test_what_the_broker_carries_names_nobody(start: Start) -> None:
    demo = start("--no-visitors", "--postes", "1")
    demo.wait_ready()
    mqtt, poste = demo.facts["mqtt"], demo.facts["postes"][0]
    with Wire(mqtt["port"], Account(mqtt["username"], mqtt["password"])) as wire, demo.client() as client:
        wire.subscribe("#")
        why = dict.fromkeys(("telephone", "email"), "Rappeler qui attend")
        client.put(f"/sites/{client.get('/sites/').json()['resultats'][0]['slug']}/", json={"champs": why})
        made = client.post("/utilisateurs/", json=SOMEBODY | {"consentement_rgpd": True}).raise_for_status()
        code = {"poste": poste, "utilisateur": made.json()["id"], "duree_initiale": 1800}
        visit = client.post("/sessions/", json=code).raise_for_status().json()
        number = visit["id"]
        client.post(f"/sessions/{number}/start/").raise_for_status()
        wait_until(lambda: told(wire, poste, "active"), what="open")
        client.post(f"/sessions/{number}/add_time/", json={"seconds": 300}).raise_for_status()
        client.post(f"/sessions/{number}/terminate/").raise_for_status()
        wait_until(lambda: told(wire, poste, "cleaning"), what="over")
        carried = b"\n".join(one.topic.encode() + b" " + one.payload for one in wire.messages).lower()
    assert f'"session":"{number}"'.encode() in carried
    for word in (*SOMEBODY.values(), "692424242", visit["code_acces"]):
        assert word.lower().encode() not in carried
        assert json.dumps(word)[1:-1].lower().encode() not in carried
    assert demo.stop() == 0


def told(wire: Wire, poste: str, phase: str) -> bool:
    """Whether a poste has said that it is in this phase."""
    return any(
        one.topic.endswith(f"/{poste}/up/state") and json.loads(one.payload)["phase"] == phase
        for one in tuple(wire.messages)
        if one.payload
    )


def test_people_live_in_the_demo(start: Start) -> None:
    demo = start("--postes", "4")
    demo.wait_ready()
    with demo.client() as client:

        def running() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = client.get("/sessions/actives/").json()["resultats"]
            return [one for one in found if one["statut"] == "active"]

        visit = wait_until(running, VISIT_S, "a code typed")[0]
        number, poste = visit["id"], visit["poste"]
        assert client.post(f"/sessions/{number}/terminate/").status_code in (200, 201)

        def left() -> bool:
            now = client.get(f"/postes/{poste}/").json()
            return bool(now["session_active"] != number and now["phase"] != "active")

        wait_until(left, 15, "the poste is free of that visit")
        assert client.get(f"/sessions/{number}/").json()["statut"] == "terminee"
        journal = client.get("/logs/by_session/", params={"session": number}).json()["resultats"]
    assert {"generation_code", "demarrage_session", "fermeture"} <= {one["action"] for one in journal}
    assert demo.stop(signal.SIGTERM) == 0
    assert those_of(demo) == []


def test_two_demos_live_side_by_side(start: Start) -> None:
    one, two = start("--no-visitors", name="one"), start("--no-visitors", name="two")
    one.wait_ready()
    two.wait_ready()
    assert one.facts["api"] != two.facts["api"]
    assert one.facts["operator"]["password"] != two.facts["operator"]["password"]
    assert (one.stop(), two.stop()) == (0, 0)


def test_a_second_demo_in_the_same_folder_is_told_so(start: Start) -> None:
    first = start("--no-visitors", "--postes", "1")
    first.wait_ready()
    second = start("--no-visitors", "--postes", "1")
    assert second.process.wait(20) == 1
    assert "another demo lives in" in second.said()
    assert (first.folder / "demo.json").exists()
    assert first.stop() == 0


@pytest.mark.parametrize("name", ["PPM_HTTP_PORT", "PPM_MQTT_PORT"])
def test_a_taken_port_is_one_clear_line(start: Start, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start(**{name: str(port)})
        assert demo.process.wait(20) == 1
    assert demo.said() == f"ppm: {name}: port {port} is taken by another program; give another one\n"
    assert those_of(demo) == []


def test_a_stale_account_of_a_demo_is_removed_at_the_start(start: Start, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    stale = tmp_path / "demo" / "demo.json"
    stale.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as other:
        demo = start(PPM_MQTT_PORT=str(other.getsockname()[1]))
        demo.process.wait(20)
    assert not stale.exists()


@pytest.mark.parametrize("after_s", [0.4, 1.0, 1.6])
def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(start: Start, after_s: float) -> None:
    demo = start()
    time.sleep(after_s)
    assert demo.stop() in (0, 130, -signal.SIGINT)
    assert "Traceback" not in demo.said()
    assert those_of(demo) == []
    assert not (demo.folder / "demo.json").exists()


def test_a_demo_that_is_killed_takes_its_broker_with_it(start: Start) -> None:
    demo = start("--no-visitors", "--postes", "1")
    demo.wait_ready()
    demo.process.kill()
    demo.process.wait(10)
    wait_until(lambda: not those_of(demo), 10, "gone")
    (demo.folder / "demo.json").unlink()
    again = start("--no-visitors", "--postes", "2")
    again.wait_ready()
    assert len(again.facts["postes"]) == 2
    assert again.stop() == 0


def says(demo: Demo, words: str) -> bool:
    return words in demo.said()


def test_a_seat_is_kept_for_who_watches(start: Start) -> None:
    demo = start("--postes", "2", "--no-visitors", "--seat")
    demo.wait_ready()
    wait_until(lambda: "Ready after" in demo.said(), 5, "told where it is")
    said = dict(re.findall(r"^  (your seat|its code) +(.+)$", demo.said(), re.M))
    kiosk = subprocess.Popen(
        f"exec env {said['your seat']}", shell=True, text=True, env=clean_environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        with demo.client() as client:
            seat = f"/postes/{demo.facts['postes'][-1]}/"
            wait_until(lambda: client.get(seat).json()["est_en_ligne"], 20, "the seat is there")
            assert kiosk.stdin is not None
            kiosk.stdin.write(f"{said['its code']}\n")
            kiosk.stdin.flush()
            wait_until(lambda: client.get(seat).json()["phase"] == "active", 20, "the seat is open")
    finally:
        kiosk.terminate()
        kiosk.communicate(timeout=20)
    assert demo.stop() == 0


def test_a_given_database_and_broker_are_used(
    start: Start, own_broker: PrivateBroker, fresh_database_url: Callable[[], str], tmp_path: Path
) -> None:
    url = fresh_database_url()
    open_broker = tmp_path / "open.conf"
    port = free_port()
    open_broker.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
    binary = own_broker.binary
    broker = subprocess.Popen(
        [binary.broker, "-c", open_broker],
        env={**os.environ, **binary.environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: accepts(port), what="listening")
        for _ in range(2):
            given = {
                "PPM_DATABASE_URL": url,
                "PPM_BROKER_URL": f"mqtt://controller:not-for-tools@127.0.0.1:{port}",
                "PPM_OBSERVER_LOGIN": "observer",
                "PPM_OBSERVER_PASSWORD": "for-tools",
            }
            demo = start("--no-visitors", "--postes", "3", **given)
            demo.wait_ready()
            assert (demo.facts["mqtt"]["port"], demo.facts["database"]) == (port, None)
            assert (demo.facts["mqtt"]["username"], demo.facts["mqtt"]["password"]) == (
                "observer",
                "for-tools",
            )
            wait_until(partial(says, demo, "ppm operator disable demo"), 5, "told what stays")
            assert not (demo.folder / "room" / "broker").exists()
            assert not (demo.folder / "room" / "fleet.db").exists()
            with demo.client() as client:
                assert client.get("/postes/disponibles/").json()["total"] == 3
            assert demo.stop() == 0
    finally:
        broker.terminate()
        broker.wait(10)


def test_a_demo_is_ready_soon(start: Start) -> None:
    began = time.monotonic()
    demo = start("--no-visitors")
    demo.wait_ready()
    assert time.monotonic() - began < 15  # five seconds on an idle machine; tests share theirs
    assert demo.stop() == 0
