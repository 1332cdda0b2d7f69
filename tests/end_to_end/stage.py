"""A stage: a whole deployment of real parts, each in its own process, to be broken by a test.

with Stage(folder, binary, postgres) as stage:
    room = stage.room("accueil", postes=2)          a site with its broker and its postes
    stage.controller("one", room).start()
    ...
    stage.settle(room)                              right phase and revs agreed within 10 s, or it fails
    assert stage.wrong(room) == []
"""

import itertools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import text

from fleet.database import schema
from fleet.database.engine import Database
from fleet.domain.actor import ADMINISTRATEUR, SYSTEM
from fleet.usecases import operateurs, sites
from fleet.usecases import postes as poste_cases
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.sealing import CodeKeys
from ppm.parts.broker import Account, Binary, PrivateBroker
from ppm.parts.postgres import PrivatePostgres
from ppm.parts.process import accepts, free_port
from tests.end_to_end.books import Books
from tests.end_to_end.desk import LOGIN, PASSWORD, Answer, Desk
from tests.end_to_end.part import Part
from tests.end_to_end.planting import Step
from tests.end_to_end.poste import Poste
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

START_S = 30.0
"""How long a machine with much to do may take to set a scene."""
SETTLE_S = 10.0
"""From a kill to the right phase everywhere; the TTL of a lease is in it. On a busy machine too: a promise that is
stretched with the load cannot be broken. A test that breaks it for being heavy is to be made lighter."""
_ACTIONS = {
    "create": "generation_code",
    "add_time": "ajout_temps",
    "suspend": "suspension_session",
    "resume": "reprise_session",
    "terminate": "fermeture",
}


class Room:
    """A site of a stage: its broker, its postes, and the cable between them (a proxy) if it was asked for."""

    def __init__(self, slug: str, site_id: int, broker: PrivateBroker, cable: Proxy | None) -> None:
        self.slug, self.site_id, self.broker, self.cable = slug, site_id, broker, cable
        self.postes: list[Poste] = []
        self.accounts: list[Account] = []

    def __iter__(self) -> Iterator[Poste]:
        return iter(self.postes)

    def __getitem__(self, number: int) -> Poste:
        return self.postes[number]


class Stage:
    """One database, and what is built around it. Without `postgres` it is an SQLite file."""

    def __init__(self, folder: Path, binary: Binary, postgres: PrivatePostgres | None = None) -> None:
        self.folder, self.binary, self.postgres = folder, binary, postgres
        self.secret, self.jwt_secret = secrets.token_hex(32), secrets.token_hex(32)
        self.rooms: list[Room] = []
        self.parts: list[Part] = []
        self.desk: Desk | None = None
        self._names = itertools.count(1)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        # The path of a line must be short: sockets of the file system have 107 characters.
        self.lines = Path(tempfile.mkdtemp(prefix="ppm-stage-"))
        self._closing.callback(shutil.rmtree, self.lines, ignore_errors=True)
        url = self._database_url()
        self.database = Database(url)
        self._closing.callback(self.database.close)
        schema.upgrade(self.database)
        self.url = url
        self.fleet = Fleet(self.database, CodeKeys.from_secret(self.secret.encode()))
        operateurs.create(self.fleet, SYSTEM, NewOperateur(LOGIN, PASSWORD, ADMINISTRATEUR))
        self.books = Books(self.fleet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in [*self.parts, *(poste.part for room in self.rooms for poste in room)]:
            part.close()
        if error is not None:
            self.keep_logs()
        self._closing.close()

    def keep_logs(self) -> None:
        """Have the logs of the parts where they outlive the stage."""
        kept = self.folder / "logs"
        kept.mkdir(exist_ok=True)
        for log in self.lines.glob("*.log"):
            shutil.copy(log, kept)
        print(f"logs of the parts: {kept}")

    def _database_url(self) -> str:
        if self.postgres is None:
            return f"sqlite:///{self.folder / 'fleet.db'}"
        return self.postgres.create_database(f"stage_{secrets.token_hex(4)}")

    # ------------------------------------------------------------ building

    def broker(self) -> PrivateBroker:
        """A broker of this stage, running."""
        folder = self.folder / f"broker-{next(self._names)}"
        return self._closing.enter_context(PrivateBroker(self.binary, folder))

    def room(
        self, slug: str, *, postes: int = 1, broker: PrivateBroker | None = None, cable: bool = False,
        politique: dict[str, Any] | None = None, faults: Sequence[str] = (),
    ) -> Room:  # fmt: skip
        """A site with its postes, not started yet."""
        broker = broker or self.broker()
        site_id = sites.create(self.fleet, SYSTEM, slug, {"nom": slug})
        sites.edit(self.fleet, SYSTEM, site_id, {"politique": {"grace_s": 1, **(politique or {})}})
        proxy = self._closing.enter_context(Proxy(broker.postes_port)) if cable else None
        room = Room(slug, site_id, broker, proxy)
        names = [f"{slug}-{number}" for number in range(1, postes + 1)]
        room.accounts = broker.add_postes(slug, {name: secrets.token_hex(12) for name in names})
        for account in room.accounts:
            new = poste_cases.NewPoste(slug=account.name, nom=account.name, site_id=site_id)
            poste_id = poste_cases.create(self.fleet, SYSTEM, new)
            room.postes.append(
                Poste(
                    account.name, poste_id, self.lines, site=slug, password=account.password,
                    port=proxy.port if proxy else broker.postes_port, faults=list(faults),
                )
            )  # fmt: skip
        self.rooms.append(room)
        return room

    def controller(
        self, name: str, *rooms: Room, faults: Sequence[str] = (), steps: Sequence[Step] = ()
    ) -> Part:
        """A controller that may drive these rooms (all, if none is named), not started yet."""
        broker = (rooms or self.rooms)[0].broker
        part = Part(
            "controller", name, self.lines, **self._server(),
            broker=[broker.services_port, broker.controller.name, broker.controller.password],
            site_ids=[room.site_id for room in rooms] if rooms else None,
            faults=["short_sessions", *faults], steps=[step.to_json() for step in steps],
        )  # fmt: skip
        self.parts.append(part)
        if self.postgres is None:
            port = free_port()
            part.configuration |= {"http_port": port, "jwt_secret": self.jwt_secret}
            self.desk = self._desk(part, port)
        return part

    def open_desk(self) -> Desk:
        """The desk, and the API in a process of its own, which listens. On SQLite a controller serves it."""
        if self.desk is None:
            port = free_port()
            settings = {
                "PPM_DATABASE_URL": self.url, "PPM_CODE_SECRET": self.secret, "PPM_JWT_SECRET": self.jwt_secret,
                "PPM_HTTP_PORT": str(port),
            }  # fmt: skip
            part = Part("api", "api", self.lines, settings=settings, faults=["short_sessions"])
            self.parts.append(part)
            self.desk = self._desk(part, port)
            part.start()
            wait_until(lambda: accepts(port), START_S, "the API listens")
        return self.desk

    def _desk(self, part: Part, port: int) -> Desk:
        desk = Desk(part, port)
        self._closing.callback(desk.close)
        return desk

    def _server(self) -> dict[str, Any]:
        return {"database": self.url, "secret": self.secret}

    def start(self, *rooms: Iterable[Poste]) -> None:
        """Start the agents of these rooms; return once all postes are free."""
        for room in rooms:
            for poste in room:
                poste.part.start(wait=False)
        for room in rooms:
            for poste in room:
                poste.part.wait_up()
                poste.wait_free(START_S)
        postes = [poste for room in rooms for poste in room]
        wait_until(lambda: all(self.is_seen(poste) for poste in postes), START_S, "all seen")

    def set_clock(self, *parts: Part, step_s: float = 0) -> None:
        """Step the database's clock as these parts see it, running or not."""
        for part in parts:
            part.configuration["clock_step_s"] = step_s
            if part.line.up.is_set():
                part.line.say(order="clock", step_s=step_s)
                part.wait_for(lambda part=part: part.count("stepped") > 0, 5, "stepped")  # type: ignore[misc]

    def set_term(self, room: Room, term: int) -> None:
        """Make the lease of a site free, with this as its last term."""
        with self.database.transaction() as tx:
            tx.execute(
                text("UPDATE lease SET holder = '', term = :term WHERE site_id = :site"),
                {"term": term, "site": room.site_id},
            )

    def is_seen(self, poste: Poste) -> bool:
        """Whether the database has it that this poste is there."""
        wanted = text("SELECT online FROM presence WHERE poste_id = :poste")
        with self.database.read() as tx:
            return bool(tx.execute(wanted, {"poste": poste.id}).scalar())

    # ------------------------------------------------------------ what operators do

    def create(self, room: Room, seconds: int = 600) -> tuple[int, str]:
        """A session on any poste: its id and its code."""
        made = self.try_create(room, seconds)
        assert made is not None, "the desk did not make a session"
        return made

    def try_create(self, room: Room, seconds: int = 600) -> tuple[int, str] | None:
        """The same, or None when the desk does not answer."""
        made = self.open_desk().post("/sessions/", {"site": room.slug, "duree_initiale": seconds})
        if not made.ok:
            return None
        self.books.told.done[made.result["id"], "generation_code"] += 1
        return made.result["id"], made.result["code_acces"]

    def act(self, what: str, session_id: int, **body: Any) -> Answer:
        """What an operator does with a session: add_time, suspend, resume, terminate, transfer, swap, undo."""
        answer = self.open_desk().post(f"/sessions/{session_id}/{what}/", body or None)
        if (action := _ACTIONS.get(what)) is None:
            return answer
        if answer.ok:
            self.books.told.done[session_id, action] += 1
        elif answer.refused is None:
            self.books.told.unknown[session_id, action] += 1
        return answer

    def show(self, poste: Poste, message: str) -> Answer:
        """Send a message to whoever sits there."""
        return self.open_desk().post(f"/postes/{poste.slug}/commands/", {"op": "message", "texte": message})

    def begin(self, room: Room, poste: Poste, seconds: int = 600) -> int:
        """A visit begins: a code is made and typed, the poste unlocks and says so."""
        session_id, code = self.create(room, seconds)
        poste.type_code(code)
        poste.wait_phase("active")
        self.settle([poste])
        return session_id

    # ------------------------------------------------------------ what must hold

    def settle(
        self, *rooms: Iterable[Poste], since: float | None = None, within_s: float = SETTLE_S
    ) -> float:
        """Return when postes and database agree on everything. Gives how long it took. Fails when too late."""
        started = time.monotonic() if since is None else since
        postes = [poste for room in rooms for poste in room]
        while unsettled := self.books.unsettled(postes):
            late = f"after {within_s:g} s at a load of {os.getloadavg()[0]:.1f}: {'; '.join(unsettled)}"
            assert time.monotonic() - started < within_s, late
            time.sleep(0.03)
        return time.monotonic() - started

    def wait_kept(self, room: Room, action: str, times: int, within_s: float = SETTLE_S) -> None:
        """Return when the audit trail of a site has an action so many times."""
        wanted = "SELECT count(*) FROM log WHERE site_id = :site AND action = :action"

        def kept() -> bool:
            return bool(self.rows(wanted, site=room.site_id, action=action) == [(times,)])

        wait_until(kept, within_s, f"{times} {action}")

    def wrong(self, *rooms: Iterable[Poste]) -> list[str]:
        """All that does not hold at these postes."""
        failures = self.desk.failures if self.desk is not None else []
        return [*failures, *self.books.wrong([poste for room in rooms for poste in room])]

    def now(self) -> float:
        """The clock that all processes of this machine share, in seconds."""
        return time.monotonic()

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.database.read() as tx:
            return [tuple(row) for row in tx.execute(text(query), values)]
