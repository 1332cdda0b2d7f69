"""A real part in a process of its own, as a test holds it: started, frozen, killed at a step."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppm.parts.process import Child
from tests.end_to_end.line import Line, Words
from tests.end_to_end.planting import Step
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
START_S = 20


class Part:
    """One part. `heard` is what it has said, by kind, the newest last."""

    def __init__(self, kind: str, name: str, folder: Path, **configuration: Any) -> None:
        self.name = name
        self.configuration = {**configuration, "line": str(folder / f"{name}.line")}
        self.heard: list[Words] = []
        self.died_at = 0.0
        self.listeners: list[Callable[[Words], None]] = []
        self.mourners: list[Callable[[float], None]] = []
        self._changed = threading.Condition()
        self._file = folder / f"{name}.json"
        self.line = Line(Path(str(self.configuration["line"])), self._hear, self._ended)
        self.line.open()
        self.log = folder / f"{name}.log"
        self._child = Child(
            [sys.executable, "-m", "tests.end_to_end.run_part", kind, self._file],
            self.log,
            environment={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    # ------------------------------------------------------------ life

    def start(self, *, wait: bool = True) -> None:
        """Run it; return once it is on the line."""
        self.heard.clear()
        self._file.write_text(json.dumps(self.configuration))
        self._file.chmod(0o600)
        self._child.start()
        if wait:
            self.wait_up()

    def wait_up(self) -> None:
        wait_until(lambda: self.line.up.is_set() or not self._child.running, START_S, f"{self.name} is up")
        assert self.running, f"{self.name} ended at once:\n{self._child.said()}"

    @property
    def running(self) -> bool:
        return self._child.running

    def kill9(self) -> None:
        self._child.kill9()
        self.wait_dead()

    def stop(self) -> None:
        """SIGTERM: a graceful end."""
        self._child.stop()
        self.wait_dead()

    def wait_dead(self, timeout_s: float = 10) -> float:
        """Return when it has died, by itself or not. Gives that moment."""
        wait_until(lambda: not self._child.running and not self.line.up.is_set(), timeout_s, f"{self} dead")
        self._child.kill9()
        return self.died_at

    def freeze(self) -> None:
        self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._child.signal(signal.SIGCONT)

    def close(self) -> None:
        if self._child.running:
            self._child.kill9()
        self.line.close()

    def __str__(self) -> str:
        return self.name

    def wait_driving(self, *site_ids: int, timeout_s: float = 15) -> None:
        """Return when this controller drives these sites (any, if none is named)."""
        self.wait_for(lambda: self.driven and {*map(str, site_ids)} <= set(self.driven), timeout_s, "driving")

    @property
    def driven(self) -> dict[str, int]:
        """The sites that a controller drives now, with its terms."""
        told = [one["sites"] for one in self.heard if one["kind"] == "driving"]
        return dict(told[-1]) if told and self.line.up.is_set() else {}

    # ------------------------------------------------------------ steps

    def plant(self, step: Step) -> None:
        """Plant a step in the running process."""
        before = self.count("planted")
        self.line.say(order="plant", **step.to_json())
        self.wait_for(lambda: self.count("planted") > before, 5, "planted")

    def wait_reached(self, timeout_s: float = 15) -> None:
        """Return when it stands still at a step."""
        self.wait_for(lambda: self.count("reached") > 0, timeout_s, "reached its step")

    def release(self) -> None:
        self.line.say(order="release")

    def count(self, kind: str) -> int:
        """How often it has said words of a kind since it was started."""
        return sum(one["kind"] == kind for one in self.heard)

    # ------------------------------------------------------------ what it says

    def wait_for(self, predicate: Callable[[], Any], timeout_s: float = 10, what: str = "") -> None:
        """Return when something that it said made this true."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not predicate():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{self.name}: not {what or 'true'} after {timeout_s:g} s")
                self._changed.wait(min(left, 0.25))

    def _hear(self, words: Words) -> None:
        with self._changed:
            self.heard.append(words)
            for listener in self.listeners:
                listener(words)
            self._changed.notify_all()

    def _ended(self, at: float) -> None:
        with self._changed:
            self.died_at = at
            for mourner in self.mourners:
                mourner(at)
            self._changed.notify_all()
