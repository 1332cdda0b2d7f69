"""What a poste costs on the visitor's machine when nothing happens, and how soon a code can be typed."""

import os
import secrets
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, at_most, told
from bench.machine import cpu_seconds
from bench.stage import SITE, Stage, stage
from fleet.domain.actor import SYSTEM
from fleet.usecases import postes
from tests.support.x import Display

REST_S = 30.0
_SETTLE_S = 8.0
_LONGEST_S = 60.0
_ACCENT = b"\xd8\x4e\x1d"
"""The blue of the button beside the field, as it lies in the memory of the screen."""
_BUTTON = 5_000
"""Fewer pixels of that blue are an edge, not a button."""


def run() -> Iterator[Figure]:
    """A poste with its window on a screen of 1366x768, a real broker and a controller."""
    slug = "accueil-1"
    with stage(postes={slug: secrets.token_hex(8)}) as made, Display(made.folder, picture=True) as display:
        postes.create(made.fleet, SYSTEM, postes.NewPoste(made.site_id, slug, slug))
        made.controller()
        began = time.monotonic()
        with _kiosk(made, display) as agent:
            _until_code_field(display)
            yield at_most("poste: start of the agent to the code field", time.monotonic() - began, "s", 5)
            window = int((made.folder / slug / "window.pid").read_text())
            time.sleep(_SETTLE_S)
            yield from _rest("locked", agent.pid, window)


def _rest(how: str, agent: int, window: int) -> Iterator[Figure]:
    before = cpu_seconds(agent), cpu_seconds(window)
    time.sleep(REST_S)
    used = cpu_seconds(agent) - before[0], cpu_seconds(window) - before[1]
    yield at_most(f"poste {how}: memory of the agent", _rss_mb(agent), "MB", 60)
    yield at_most(f"poste {how}: processor for the agent", 100 * used[0] / REST_S, "% of a core", 0.3)
    yield at_most(f"poste {how}: memory of the window", _rss_mb(window), "MB", 150)
    yield told(f"poste {how}: of it the window's own, shared with nobody", _own_mb(window), "MB")
    yield at_most(f"poste {how}: processor for the window", 100 * used[1] / REST_S, "% of a core", 0.5)


@contextmanager
def _kiosk(made: Stage, display: Display) -> Iterator[subprocess.Popen[bytes]]:
    account = made.postes[0]
    environment = display.environment | {
        "PPM_BROKER_URL": f"mqtt://127.0.0.1:{made.broker.postes_port}", "PPM_BROKER_PASSWORD": account.password,
        "PPM_SITE": SITE, "PPM_POSTE": account.name, "PPM_STATE_DIR": str(made.folder), "PPM_LOG_FORMAT": "json",
    }  # fmt: skip
    with (made.folder / "kiosk.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "ppm", "kiosk", "--window"], env=environment, stderr=log
        )
        try:
            yield running
        finally:
            running.terminate()
            running.wait(20)


def _until_code_field(display: Display) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while _pixels(display.memory).count(_ACCENT) < _BUTTON:
        if time.monotonic() > deadline:
            raise TimeoutError("no code field was seen")
        time.sleep(0.02)


def _pixels(file: Path) -> bytes:
    """What is on the screen: an XWD file that the X server keeps up to date."""
    data = file.read_bytes()
    header, colours = struct.unpack_from(">I", data)[0], struct.unpack_from(">I", data, 19 * 4)[0]
    return data[header + 12 * colours :]


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _own_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024 / 1e6
