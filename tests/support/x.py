"""A screen that nobody sees: an X server with a window manager, and fingers."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import wait_until

CLIENT, MONITORS = (Path(__file__).with_name(name) for name in ("x_client.py", "x_monitors.py"))
_START_S = 30


class Display:
    """A context manager. Every word of xdotool is a finger; with `picture`, `memory` is what is on the screen."""

    def __init__(self, folder: Path, size: tuple[int, int] = (1366, 768), *, picture: bool = False) -> None:
        self.size = size
        self.memory = folder / "Xvfb_screen0"
        self._picture = picture
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        reader, writer = os.pipe()
        self._log = (self._folder / "x.log").open("ab")
        size = f"{self.size[0]}x{self.size[1]}x24"
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        if self._picture:
            command += ["-fbdir", str(self._folder)]
        self._start(command, pass_fds=(writer,))
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            self.name = f":{told.readline().decode().strip()}"
        assert self.name != ":", "Xvfb did not start"
        (self._folder / "home").mkdir()
        self.environment = {
            "DISPLAY": self.name, "PATH": os.environ["PATH"], "HOME": str(self._folder / "home"),
            "PYTHONPATH": str(Path(__file__).parents[2]), "QT_QPA_PLATFORM": "xcb", "LANG": "C.UTF-8",
        }  # fmt: skip
        self._start(["openbox", "--sm-disable"], env=self.environment)
        wait_until(lambda: self.do("get_num_desktops").isdecimal(), _START_S, "a window manager")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in reversed(self._running):
            one.kill()
            one.wait()
        self._log.close()

    def _start(self, command: list[str], **how: object) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(command, stdout=self._log, stderr=self._log, **how)  # type: ignore[call-overload]
        self._running.append(started)
        return started  # type: ignore[no-any-return]

    def client(self, kind: str, notes: Path) -> subprocess.Popen[bytes]:
        """Another program on the screen, once it is there: an `editor`, or a `rival` that wants to be above all."""
        started = self._start([sys.executable, str(CLIENT), kind, str(notes)], env=self.environment)
        wait_until(notes.exists, _START_S, f"the {kind}")
        return started

    def plug(self, *monitors: tuple[int, int, int, int]) -> None:
        """From now on the screen is these monitors: left, top, width, height, the first one first."""
        words = [",".join(str(part) for part in one) for one in monitors]
        subprocess.run(
            [sys.executable, MONITORS, *words], env=self.environment, check=True, capture_output=True
        )

    # -------------------------------------------------------------- fingers and eyes

    def do(self, *words: str) -> str:
        """xdotool; what it says."""
        done = subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True)
        return done.stdout.strip()

    def type(self, text: str) -> None:
        self.do("type", "--delay", "2", text)

    def press(self, *keys: str) -> None:
        self.do("key", "--delay", "2", *keys)

    def click(self, x: int, y: int) -> None:
        self.do("mousemove", str(x), str(y), "click", "1")

    def windows(self, name: str) -> list[str]:
        """The visible windows of this title."""
        return self.do("search", "--onlyvisible", "--name", name).split()

    def above(self, x: int, y: int) -> str:
        """The topmost window at a place."""
        said = self.do("mousemove", str(x), str(y), "getmouselocation", "--shell")
        return dict(line.split("=") for line in said.splitlines() if "=" in line).get("WINDOW", "")
