"""A technician at the machine: `ppm kiosk unlock`, with a real agent that no server answers."""

import contextlib
import json
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from kiosk_agent.local import secret as secrets
from kiosk_agent.local.by_hand import Unlock, ask
from ppm.parts.process import free_port
from tests.ppm.conftest import Ppm, clean_environment
from tests.support.waiting import wait_until

SECRET = "un vieux moulin bleu"
_ASK = """
import socket, sys
asking = socket.socket(socket.AF_UNIX)
asking.connect(sys.argv[1])
asking.sendall(sys.argv[2].encode() + b"\\n")
print(asking.makefile().readline())
"""


@dataclass
class Kiosk:
    """A real `ppm kiosk` in a pipe, whose broker is not there."""

    settings: dict[str, str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def runs(self) -> Iterator["Kiosk"]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ppm", "kiosk"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment(**self.settings),
        )  # fmt: skip
        reading = threading.Thread(target=lambda: self.lines.extend(iter(process.stdout.readline, "")))  # type: ignore[union-attr]
        reading.start()
        try:
            wait_until(lambda: self.socket.exists(), 20, "a socket")
            wait_until(lambda: self.lines, 10, "a first line")
            yield self
        finally:
            process.terminate()
            process.wait(10)
            reading.join(5)
            process.stdin.close()  # type: ignore[union-attr]
            process.stdout.close()  # type: ignore[union-attr]

    @property
    def socket(self) -> Path:
        return self.folder / "technician.sock"

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def asked_by_another(self, **asked: object) -> dict[str, object]:
        """By an account without any right, and nothing of our code."""
        done = subprocess.run(
            ["/usr/bin/python3", "-S", "-c", _ASK, str(self.socket), json.dumps(asked)],
            user=65534, group=65534, capture_output=True, text=True, check=True, cwd="/",
        )  # fmt: skip
        answer: dict[str, object] = json.loads(done.stdout)
        return answer


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    """In a folder that other accounts reach, as /run is."""
    folder = Path(tempfile.mkdtemp(prefix="ppm-technician-"))
    folder.chmod(0o755)
    settings = {
        "PPM_BROKER_URL": f"mqtt://127.0.0.1:{free_port()}",
        "PPM_BROKER_PASSWORD": "x",
        "PPM_SITE": "s",
        "PPM_POSTE": "p1",
        "PPM_STATE_DIR": str(folder / "state"),
        "PPM_WINDOW_SOCKET": str(folder / "window.sock"),
        "PPM_LOG_LEVEL": "error",
    }
    try:
        yield Kiosk(settings, folder)
    finally:
        shutil.rmtree(folder)


def test_it_opens_without_any_server_says_so_and_locks_again(kiosk: Kiosk, ppm: Ppm) -> None:
    with kiosk.runs():
        done = ppm(
            "kiosk", "unlock", "--reason", "serveur en panne", "--minutes", "5", "--json", **kiosk.settings
        )
        assert (done.code, done.json) == (0, {"phase": "maintenance"})
        wait_until(lambda: kiosk.says("Ouvert par un technicien"), 5, "the face says so")
        again = ppm("kiosk", "unlock", "--reason", "encore", **kiosk.settings)
        assert (again.code, "it is open already" in again.err) == (1, True)
        assert ppm("kiosk", "lock", **kiosk.settings).code == 0
        wait_until(lambda: kiosk.says("[cleaning]"), 5, "it is cleaned")
    events = (kiosk.folder / "state/p1/events.jsonl").read_text()
    assert "serveur en panne" in events
    assert "locked_after_hand" in events


def test_another_account_needs_the_secret_and_there_is_none_by_default(kiosk: Kiosk, ppm: Ppm) -> None:
    wanted = {"op": "unlock", "reason": "réseau", "seconds": 60}
    with kiosk.runs():
        for typed in ("", "technician", "admin"):
            assert kiosk.asked_by_another(**wanted, secret=typed)["refused"] == "forbidden"
        assert ppm("kiosk", "secret", "--from-file", "-", stdin=f"{SECRET}\n", **kiosk.settings).code == 0
        assert kiosk.asked_by_another(**wanted)["refused"] == "forbidden"
        assert kiosk.asked_by_another(**wanted, secret=SECRET)["refused"] is None
        wait_until(lambda: kiosk.says("Ouvert par un technicien"), 5, "open")


def test_who_guesses_has_to_wait_and_a_human_is_told(kiosk: Kiosk, ppm: Ppm) -> None:
    secrets.write(kiosk.folder / "state/p1", SECRET)
    with kiosk.runs():
        tries = [kiosk.asked_by_another(op="lock", secret=f"guess {number}") for number in range(5)]
        assert [one["wait_s"] for one in tries] == [0, 0, 0, 0, 30]
        right = kiosk.asked_by_another(op="unlock", reason="réseau", seconds=60, secret=SECRET)
        assert (right["refused"], right["wait_s"]) == ("wait", 30)
        assert ppm("kiosk", "unlock", "--reason", "root is not held up", **kiosk.settings).code == 0
    assert "tampering" in (kiosk.folder / "state/p1/events.jsonl").read_text()


def test_a_secret_is_kept_as_a_slow_hash_closed_to_others(tmp_path: Path) -> None:
    secrets.write(tmp_path, SECRET)
    kept = tmp_path / secrets.FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert SECRET not in kept.read_text()
    assert secrets.fits(tmp_path, SECRET)
    assert not secrets.fits(tmp_path, SECRET + " ")
    assert not secrets.fits(tmp_path / "nothing", "")
    weak = json.loads(kept.read_text()) | {"n": 2}
    kept.write_text(json.dumps(weak))
    assert not secrets.fits(tmp_path, SECRET), "a hash that was made cheap is none"


@pytest.mark.parametrize("words", [("--reason", "x"), ("--reason", "ok, why", "--minutes", "600"), ()])
def test_an_opening_needs_a_reason_and_an_end(ppm: Ppm, words: tuple[str, ...], kiosk: Kiosk) -> None:
    assert ppm("kiosk", "unlock", *words, **kiosk.settings).code != 0


def test_without_an_agent_it_says_so(ppm: Ppm, kiosk: Kiosk) -> None:
    done = ppm("kiosk", "unlock", "--reason", "no agent", **kiosk.settings)
    assert done.code == 1
    assert "no agent answers there" in done.err


@pytest.mark.parametrize(
    "line", ["", "{}", "[1]", '{"op":"reboot"}', '{"op":"unlock","reason":"abc","seconds":99999}']
)
def test_what_is_no_question_changes_nothing(kiosk: Kiosk, line: str) -> None:
    with kiosk.runs():
        done = subprocess.run(
            ["/usr/bin/python3", "-S", "-c", _ASK, str(kiosk.socket), line],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout)["refused"] == "unreadable"
        assert not kiosk.says("maintenance")


def test_at_the_lock_screen_the_secret_is_asked_for_whatever_account_the_window_has(kiosk: Kiosk) -> None:
    """Root, who needs none at a terminal."""
    secrets.write(kiosk.folder / "state" / "p1", SECRET)
    with kiosk.runs():
        asked = Unlock(reason="serveur en panne", seconds=60, at_screen=True)
        for secret in ("", "un vieux moulin rouge"):
            assert ask(kiosk.socket, msgspec.structs.replace(asked, secret=secret)).refused == "forbidden"
        assert ask(kiosk.socket, msgspec.structs.replace(asked, secret=SECRET)).refused is None
