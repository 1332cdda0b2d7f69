"""A poste of a stage: its machine with a stopwatch of its own, and the process of its agent."""

import secrets
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.end_to_end.line import Words
from tests.end_to_end.part import Part
from tests.end_to_end.planting import Step

CLEAN_S = 0.3


class Machine:
    """What a machine did. The death of its agent locks it at that moment: that is what machines do."""

    def __init__(self) -> None:
        self.boot = secrets.token_hex(8)
        self.deeds: list[Words] = []
        self.shown: Counter[str] = Counter()
        self._open: tuple[str, float] | None = None
        self._grace_since: float | None = None
        self._used: defaultdict[str, float] = defaultdict(float)

    @property
    def unlocked(self) -> bool:
        return self._open is not None

    @property
    def sessions(self) -> list[int]:
        """The sessions that it was ever unlocked for."""
        return [int(one["detail"]) for one in self.deeds if one["deed"] == "unlock"]

    def used_s(self, session: int) -> float:
        """How long it was unlocked for a session, its grace not counted."""
        used = self._used[str(session)]
        if self._open is not None and self._open[0] == str(session):
            used += (self._grace_since or time.monotonic()) - self._open[1]
        return used

    def times(self, deed: str) -> list[float]:
        """When it did that."""
        return [one["at"] for one in self.deeds if one["deed"] == deed]

    def did(self, words: Words) -> None:
        self.deeds.append(words)
        if words["deed"] == "unlock" and self._open is None:
            self._open = (words["detail"], words["at"])
        elif words["deed"] == "lock":
            self.lock(words["at"])
        elif words["deed"] == "show":
            self.shown[words["detail"]] += 1

    def saw(self, phase: str, at: float) -> None:
        """The phase that the visitor sees: the grace does not count."""
        if self._open is None or (phase == "grace") == (self._grace_since is not None):
            return
        if phase == "grace":
            self._grace_since = at
        else:
            self._count(self._grace_since or at)
            self._open = (self._open[0], at)
            self._grace_since = None

    def lock(self, at: float) -> None:
        if self._open is not None:
            self._count(self._grace_since or at)
        self._open = self._grace_since = None

    def _count(self, until: float) -> None:
        assert self._open is not None
        self._used[self._open[0]] += until - self._open[1]


class Poste:
    """One poste of a site. `view` is what a visitor sees; empty while no agent runs."""

    def __init__(self, slug: str, poste_id: int, folder: Path, **configuration: Any) -> None:
        self.slug, self.id = slug, poste_id
        self.machine = Machine()
        self.view: Words = {}
        self.said: list[Words] = []
        self.part = Part(
            "agent", slug, folder, poste=slug, disk=str(folder / f"{slug}.agent"), boot=self.machine.boot,
            clean_s=CLEAN_S, **configuration,
        )  # fmt: skip
        self.part.listeners.append(self._hear)
        self.part.mourners.append(self._died)

    @property
    def phase(self) -> str:
        return str(self.view.get("phase", "off"))

    @property
    def online(self) -> bool:
        return bool(self.view.get("online"))

    def deadline(self) -> float:
        """The end of the session that the visitor sees, by this machine's monotonic clock, in seconds."""
        assert self.view.get("deadline"), f"nothing runs here: {self.view}"
        now = (
            time.monotonic()
        )  # first: a process that is put aside between the two clocks must not say too late
        left_ms = self.view["deadline"] - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return now + float(left_ms) / 1000

    def power_cycle(self) -> None:
        """The power goes and comes back."""
        self.part.kill9()
        self.machine.boot = self.part.configuration["boot"] = secrets.token_hex(8)
        self.part.start()

    def type_code(self, code: str) -> None:
        self.part.line.say(order="type_code", code=code)

    def end_session(self) -> None:
        self.part.line.say(order="end_session")

    def plant(self, step: Step) -> None:
        self.part.plant(step)

    def wait_phase(self, *phases: str, timeout_s: float = 10) -> None:
        """Return when the visitor sees one of these phases."""
        self.part.wait_for(
            lambda: self.phase in phases, timeout_s, f"{' or '.join(phases)}, but {self.view or 'off'}"
        )

    def wait_free(self, timeout_s: float = 10) -> None:
        """Return when a visitor could type a code."""
        self.part.wait_for(
            lambda: self.phase == "locked" and self.online and not self.view["checking"], timeout_s, "free"
        )

    def _hear(self, words: Words) -> None:
        if words["kind"] == "deed":
            self.machine.did(words)
        elif words["kind"] == "view":
            self.view = words
            self.machine.saw(words["phase"], words["at"])
        elif words["kind"] == "told":
            self.said.append(words)

    def _died(self, at: float) -> None:
        self.machine.lock(at)
        self.view = {}
