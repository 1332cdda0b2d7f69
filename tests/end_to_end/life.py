"""Life in a room: visitors and operators at every poste, one after the other, at seeded random; it can be paused."""

import threading
import time
from random import Random

from sqlalchemy.exc import OperationalError

from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage

PAUSE_S = (0.02, 0.3)
SHORT_S = 3


class Visits:
    """Visits at one poste, until stopped. People act at both ends while these do not know of each other."""

    def __init__(self, stage: Stage, room: Room, poste: Poste, rng: Random) -> None:
        self.count = 0
        self._stage, self._room, self._poste, self._rng = stage, room, poste, rng
        self._going = threading.Event()
        self._resting = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"visits {poste.slug}", daemon=True)

    def start(self) -> None:
        self._going.set()
        self._thread.start()

    def rest(self) -> None:
        """Return once nothing more is being done here."""
        self._going.clear()
        assert self._resting.wait(60), f"life at {self._poste.slug} does not come to rest"

    def go_on(self) -> None:
        self._resting.clear()
        self._going.set()

    def stop(self) -> None:
        self._ended.set()
        self.go_on()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ended.is_set():
            session = self._session()
            if session is None:
                self._come()
            else:
                self._do_something(*session)
            self._between()

    def _between(self) -> None:
        time.sleep(self._rng.uniform(*PAUSE_S))
        if not self._going.is_set():
            self._resting.set()
            self._going.wait()

    def _session(self) -> tuple[int, str] | None:
        wanted = "SELECT id, statut FROM session WHERE poste_id = :id AND statut IN ('active', 'suspendue')"
        try:
            found = self._stage.rows(wanted, id=self._poste.id)
        except OperationalError:  # the database is being killed under us
            return -1, "unknown"
        return (found[0][0], found[0][1]) if found else None

    def _come(self) -> None:
        """A visitor gets a code and types it; if nothing happens, leaves it."""
        if self._poste.phase != "locked":
            return
        seconds = SHORT_S if self._rng.random() < 0.3 else 600
        made = self._stage.try_create(self._room, seconds)
        if made is not None:
            self.count += 1
            self._poste.type_code(made[1])
            time.sleep(self._rng.uniform(0.05, 0.5))

    def _do_something(self, session: int, statut: str) -> None:
        if statut == "unknown":
            return
        if statut == "suspendue":
            self._stage.act(self._rng.choice(["resume", "resume", "terminate"]), session)
            return
        deed = self._rng.choice(["add_time", "add_time", "suspend", "terminate", "end", "message", "wait"])
        match deed:
            case "add_time":
                self._stage.act("add_time", session, seconds=self._rng.choice([60, 300]))
            case "suspend" | "terminate":
                self._stage.act(deed, session)
            case "end":
                self._poste.end_session()
            case "message":
                self._stage.show(self._poste, f"{self._poste.slug} {time.monotonic_ns()}")
