"""The real parts that figures are measured on: PostgreSQL, Mosquitto, and our programs in processes of their own."""

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import text

from bench.machine import cpu_seconds
from fleet.database import audit, schema
from fleet.database.engine import Database
from fleet.domain.actor import SYSTEM
from fleet.usecases import sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from ppm.parts.broker import Account, PrivateBroker, find_mosquitto
from ppm.parts.postgres import PrivatePostgres
from ppm.parts.process import Child

SITE = "bench"
ROOT = Path(__file__).parent.parent
_STARTS_S = 120.0


@dataclass
class Stage:
    """All parts of one measurement, made anew for it."""

    folder: Path
    postgres: PrivatePostgres
    broker: PrivateBroker
    url: str
    secret: str
    fleet: Fleet
    site_id: int
    postes: list[Account] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def spawn(self, module: str, settings: Mapping[str, Any] | None = None) -> Child:
        """Start `python -m module FILE`, with these settings and where the parts are in that JSON file."""
        name = f"{module.rpartition('.')[2]}-{next(self._numbers)}"
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps({**self._whereabouts(), **(settings or {})}))
        child = Child([sys.executable, "-m", module, file], self.folder / f"{name}.log")
        child.start()
        self.children.append(child)
        return child

    def controller(self, *, wait: bool = True, **settings: Any) -> Child:
        """Start a controller; with `wait`, return once it drives the site and has nothing left to do."""
        child = self.spawn("bench.controller_process", settings)
        if wait:
            child.wait_ready(lambda: said(child, "driving") is not None, _STARTS_S)
            calm(child)
        return child

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement in a transaction of its own; its rows."""
        with self.fleet.database.transaction() as tx:
            result = tx.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def analyze(self) -> None:
        """Let the planner know what was seeded, as autovacuum would by and by."""
        self._maintain("VACUUM ANALYZE")

    def settle(self) -> None:
        """Have done with what the seeding left to do, else it is done in the middle of what is measured."""
        self._maintain("VACUUM ANALYZE", "CHECKPOINT")
        os.sync()

    def _maintain(self, *statements: str) -> None:
        connection = connect(self)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def broken_chains(self) -> list[audit.Broken]:
        """Where the audit trail does not hold."""
        with self.fleet.database.read() as tx:
            return list(audit.verify(tx.connection))

    def _whereabouts(self) -> dict[str, Any]:
        broker = self.broker
        return {
            "database": self.url,
            "secret": self.secret,
            "site": SITE,
            "root": broker.root,
            "services_port": broker.services_port,
            "postes_port": broker.postes_port,
            "controller": [broker.controller.name, broker.controller.password],
            "observer": [broker.observer.name, broker.observer.password],
        }


@contextmanager
def stage(
    *, policy: Mapping[str, Any] | None = None, postes: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Everything but our programs, running. `postes` are accounts of the broker: slugs and passwords."""
    with (
        tempfile.TemporaryDirectory(prefix="ppm-bench-") as name,
        PrivatePostgres(settings=_SETTINGS) as postgres,
    ):
        folder = Path(name)
        broker = PrivateBroker(find_mosquitto(ROOT / ".cache"), folder / "broker")
        accounts = broker.add_postes(SITE, dict(postes)) if postes else []
        with broker:
            yield from _on(folder, postgres, broker, policy or {}, accounts)


_SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB"}


def _on(
    folder: Path,
    postgres: PrivatePostgres,
    broker: PrivateBroker,
    policy: Mapping[str, Any],
    accounts: list[Account],
) -> Iterator[Stage]:
    url, secret = postgres.create_database("bench"), secrets.token_hex(32)
    database = Database(url)
    schema.upgrade(database)
    fleet = Fleet(database, CodeKeys.from_secret(bytes.fromhex(secret)))
    site_id = sites.create(fleet, SYSTEM, SITE, {"nom": "Bench"})
    if policy:
        sites.edit(fleet, SYSTEM, site_id, {"politique": dict(policy)})
    made = Stage(folder, postgres, broker, url, secret, fleet, site_id, accounts)
    try:
        yield made
    finally:
        for child in made.children:
            child.kill9()
        database.close()


def said(child: Child, word: str) -> str | None:
    """What a process of ours has told about something: the rest of the last line that begins with this word.

    A line that has no end yet is still being written.
    """
    if not child.log.exists():
        return None
    lines = child.log.read_text(errors="replace").split("\n")[:-1]
    told = [line[len(word) + 1 :] for line in lines if line.split(" ", 1)[0] == word]
    return told[-1] if told else None


def wait_said(child: Child, word: str, timeout_s: float = _STARTS_S) -> str:
    """Wait until a process has told this."""
    child.wait_ready(lambda: said(child, word) is not None, timeout_s)
    return said(child, word) or ""


def calm(child: Child, share: float = 0.05, timeout_s: float = _STARTS_S) -> None:
    """Wait until a process does next to nothing, for a whole second."""
    deadline, quiet = time.monotonic() + timeout_s, 0
    while quiet < 4 and time.monotonic() < deadline:
        before = cpu_seconds(child.pid)
        time.sleep(0.25)
        quiet = quiet + 1 if cpu_seconds(child.pid) - before < 0.25 * share else 0


def connect(stage: Stage) -> "psycopg2.extensions.connection":
    """A bare connection to the database of the stage."""
    return psycopg2.connect(stage.postgres.dsn("bench"))
