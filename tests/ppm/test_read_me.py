"""The read-me's deployment by hand, typed as it is printed there, with a real Mosquitto on the files it makes."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ppm.parts.broker import Binary
from ppm.parts.process import accepts, free_port
from tests.ppm.conftest import clean_environment
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("demo")
HEADINGS = {"README.md": "## A small deployment by hand", "README.fr.md": "## Un petit déploiement à la main"}
PASSWORD = "un-long-mot-de-passe"


def blocks(page: str) -> list[str]:
    """What the section says to type, a block each."""
    text = (ROOT / page).read_text(encoding="utf-8")
    section = text[text.index(HEADINGS[page]) :].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```$", section, re.M | re.S)


class Terminal:
    """Types lines in a folder, with the settings that were exported there."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.exports = ""
        self._environment = clean_environment(
            PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", XDG_STATE_HOME=str(folder / "state")
        )
        self._running: list[subprocess.Popen[str]] = []

    def type(self, lines: str, answer: str = "") -> str:
        """Run lines to their end. What they print."""
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{self.exports}\n{lines}"],
            cwd=self.folder, env=self._environment, input=answer, text=True, capture_output=True, timeout=50,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def leave(self, lines: str, name: str) -> "subprocess.Popen[str]":
        """Start what goes on; its output is in a file of that name."""
        *before, last = [line for line in lines.splitlines() if line.strip()]
        script = "\n".join([self.exports, *before, f"exec {last}"])
        with (self.folder / name).open("w") as output:
            process = subprocess.Popen(
                ["bash", "-eu", "-c", script],
                cwd=self.folder, env=self._environment, text=True, stdin=subprocess.PIPE,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._running.append(process)
        return process

    def said(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)
            if process.stdin:
                process.stdin.close()


@pytest.fixture
def terminal(tmp_path: Path, mosquitto_binary: Binary) -> Iterator[Terminal]:
    programs = tmp_path / "bin"
    programs.mkdir()
    library = mosquitto_binary.environment.get("LD_LIBRARY_PATH", "")
    commands = {
        "ppm": f'exec "{sys.executable}" -m ppm "$@"',
        "mosquitto": f'LD_LIBRARY_PATH="{library}" exec "{mosquitto_binary.broker}" "$@"',
    }
    for name, command in commands.items():
        (programs / name).write_text(f"#!/bin/sh\n{command}\n")
        (programs / name).chmod(0o755)
    folder = tmp_path / "here"
    folder.mkdir()
    opened = Terminal(folder, programs)
    yield opened
    opened.close()


def on_free_ports(said: list[str]) -> tuple[list[str], Callable[[str], int]]:
    """The same lines with other ports, for this machine may have them taken: the one thing that is changed."""
    ports = {usual: str(free_port()) for usual in ("8883", "1883", "8000")}
    changed = [re.sub(r"\b(8883|1883|8000)\b", lambda found: ports[found[1]], one) for one in said]
    return changed, lambda usual: int(ports[usual])


def test_a_visitor_is_served_by_who_types_the_read_me(terminal: Terminal) -> None:
    (settings, database, programs, poste, code), port = on_free_ports(blocks("README.md"))
    terminal.type(f"{settings}\n{database}", answer=f"{PASSWORD}\n")
    terminal.exports = "\n".join(re.findall(r"^export .*$", settings, re.M))
    kept = (terminal.folder / "ppm.env").stat().st_mode & 0o777
    assert kept == 0o600
    broker, api = (terminal.leave(line, f"out-{n}") for n, line in enumerate(programs.splitlines()))
    ports = [port(usual) for usual in ("8883", "1883", "8000")]
    wait_until(lambda: all(map(accepts, ports)), 20, "broker and API listen")
    assert "all is well" in terminal.type("ppm doctor")

    kiosk = terminal.leave(poste, "kiosk")
    wait_until(lambda: "[locked]" in terminal.said("kiosk"), 20, "the poste waits for a code")
    typed = re.search(r"code (\w{3} \w{3})", terminal.type(code))
    assert typed is not None
    assert kiosk.stdin is not None
    wait_until(lambda: terminal.said("kiosk").count("\n") >= 2, 20, "it is connected")
    kiosk.stdin.write(f"{typed[1]}\n")
    kiosk.stdin.flush()
    wait_until(lambda: "[active]" in terminal.said("kiosk"), 20, "the poste is open")
    for command, phase in (("suspend", "suspended"), ("resume", "active"), ("end", "locked")):
        before = len(terminal.said("kiosk"))
        terminal.type(f"ppm session {command} 1")
        wait_for_phase(terminal, phase, before)
    for process in (kiosk, api, broker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def wait_for_phase(terminal: Terminal, phase: str, after: int) -> None:
    """The poste says so, in what it says from now on."""
    wait_until(lambda: f"[{phase}]" in terminal.said("kiosk")[after:], 10, f"the poste is {phase}")


def test_both_read_mes_say_to_type_the_same() -> None:
    english, french = (
        [re.sub(r" +#.*", "", block) for block in blocks(page)] for page in ("README.md", "README.fr.md")
    )
    assert english == french
    assert len(english) == 5
