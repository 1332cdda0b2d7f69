"""A poste on a Debian of its own: installed by the command, with a screen that nobody sees, and fingers.

visitor (a real account) --- ticks ---> a folder that only the test looks into
"""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kiosk_agent.memory import Held
from tests.end_to_end.stage import Room, Stage
from tests.support.debian import PYTHON, Debian, Door, System
from tests.support.waiting import wait_until

LONG_S = 60
LOCK = "Poste Public Manager"
HOME = "/home/visiteur"
UNITS = "/etc/systemd/system"
_XVFB = """[Service]
ExecStart=
ExecStart=/usr/bin/Xvfb :0 -screen 0 1366x768x24 -nolisten tcp -noreset -auth /run/poste-public-screen/authority
"""
_NO_SEAT = "[Service]\nEnvironment=XDG_SEAT= XDG_VTNR=\n"
"""A container has no virtual terminals for a session to be on."""
_DESKTOP = """#!/bin/sh
echo "un mot pour la mairie" > ~/lettre.txt
mkdir -p ~/.mozilla && echo visited > ~/.mozilla/places.sqlite
echo left > /tmp/left; echo left > /dev/shm/left; echo left > /var/tmp/left
setxkbmap -layout ru,fr
setsid sh -c 'setsid sleep 90001 & exit' &
(trap '' TERM HUP INT; setsid nohup sleep 90002 > /dev/null 2>&1 &)
systemd-run --user --quiet sleep 90003
python3 -c 'import time
with open("/ticks/ticks", "a", buffering=1) as ticks:
    while True:
        ticks.write(f"{time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000}\\n")
        time.sleep(0.02)' &
exec openbox
"""
"""What a visitor does here: files in every corner, processes that hide, and one that says when it runs."""


@dataclass(frozen=True)
class Screen:
    """The screen of a machine, and who sits before it."""

    machine: System

    def finger(self, *words: str) -> str:
        """What xdotool says."""
        screen = {"DISPLAY": ":0", "XAUTHORITY": "/run/poste-public-screen/authority"}
        return self.machine.run("xdotool", *words, **screen).stdout.strip()

    def covered(self) -> bool:
        """Does the lock stand before whoever sits there?"""
        return bool(self.finger("search", "--onlyvisible", "--name", LOCK))

    def type_code(self, code: str, within_s: float) -> None:
        """Type as a visitor does; who sees that nothing came of it types it again."""

        def opened() -> bool:
            self.finger("key", "Escape")
            self.finger("type", "--delay", "2", code.lower())
            self.finger("key", "Return")
            with contextlib.suppress(AssertionError):
                wait_until(lambda: not self.covered(), 5)
            return not self.covered()

        wait_until(self.covered, within_s, "a lock")
        wait_until(opened, within_s, "the code opens it")


@dataclass
class DebianPoste:
    """The first poste of a room."""

    machine: Debian
    stage: Stage
    room: Room
    cable: Door
    ticks_file: Path

    @property
    def slug(self) -> str:
        return self.room.accounts[0].name

    @property
    def screen(self) -> Screen:
        return Screen(self.machine)

    # -------------------------------------------------------------- what the visitor does and sees

    def finger(self, *words: str) -> str:
        return self.screen.finger(*words)

    def covered(self) -> bool:
        return self.screen.covered()

    def type_code(self, code: str) -> None:
        self.screen.type_code(code, LONG_S)

    # -------------------------------------------------------------- what really runs

    def pids(self) -> list[str]:
        """The processes of the visitor's account, as its own machine counts them."""
        return self.machine.run("pgrep", "-u", "visiteur").stdout.split()

    def ticks(self) -> list[int]:
        """When the visitor's program ran, in ms of the boot clock."""
        return [int(line) for line in self.ticks_file.read_text().split()] if self.ticks_file.exists() else []

    def runs(self) -> bool:
        """Does anything of the visitor's move?"""
        ticks = self.ticks()
        return bool(ticks) and now_ms() - ticks[-1] < 250

    def agent_pid(self) -> int:
        return int(self.machine.do("systemctl", "show", "--value", "-p", "MainPID", "ppm-kiosk"))

    def window_pid(self) -> str:
        return self.machine.run("cat", f"/var/lib/poste-public/{self.slug}/window.pid").stdout

    def held(self) -> Held:
        """What the agent has on its disk."""
        text = self.machine.do("cat", f"/var/lib/poste-public/{self.slug}/state.json")
        return msgspec.json.decode(text, type=Held)

    def end_ms(self) -> int:
        """The end of the grace of what runs here, by the boot clock."""
        countdown = self.held().countdown
        assert countdown is not None
        return countdown.end

    # -------------------------------------------------------------- what the desk sees

    def phase(self) -> str:
        wanted = "SELECT phase FROM presence WHERE poste_id = :poste AND online"
        return "".join(str(row[0]) for row in self.stage.rows(wanted, poste=self.room[0].id))

    def wait_free(self, timeout_s: float = LONG_S) -> None:
        wait_until(lambda: self.phase() == "locked", timeout_s, "free")


def now_ms() -> int:
    """The boot clock, which a container shares with its host."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@contextmanager
def debian_poste(stage: Stage, room: Room, folder: Path) -> Iterator[DebianPoste]:
    """Installed and running, seen by the desk, nobody there."""
    ticks = folder / "ticks"
    ticks.mkdir()
    ticks.chmod(0o777)
    with (
        Debian(folder, binds={ticks: "/ticks"}) as machine,
        machine.door(1883, room.broker.postes_port) as cable,
    ):
        install(machine, room)
        dress(machine)
        poste = DebianPoste(machine, stage, room, cable, ticks / "ticks")
        machine.do("systemctl", "start", "ppm-kiosk")
        wait_until(poste.covered, LONG_S, "a lock")
        poste.wait_free()
        yield poste


def install(machine: Debian, room: Room, *options: str, **settings: str) -> list[dict[str, str]]:
    """The command, with the settings of this room's first poste, and others. Its steps."""
    account = room.accounts[0]
    said = machine.do(
        PYTHON, "-m", "ppm", "kiosk", "install", "--json", *options,
        PPM_SITE=room.slug, PPM_POSTE=account.name, PPM_BROKER_URL="mqtt://127.0.0.1:1883",
        PPM_BROKER_PASSWORD=account.password, **settings,
    )  # fmt: skip
    return msgspec.json.decode(said, type=list[dict[str, str]])


def dress(machine: System) -> None:
    """A screen that nobody sees in the place of Xorg, and a desktop with a busy visitor."""
    machine.write(f"{UNITS}/ppm-screen.service.d/test.conf", _XVFB)
    machine.write(f"{UNITS}/ppm-visitor.service.d/test.conf", _NO_SEAT)
    machine.write("/etc/poste-public/visitor-session", _DESKTOP)
    machine.do("systemctl", "daemon-reload")
