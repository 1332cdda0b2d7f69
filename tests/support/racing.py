"""Fifty connections in five processes that do something at the same instant, with or without a planted fault."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Any, Self

import pytest
from sqlalchemy import ColumnElement, or_, select, text, update

from fleet.database import engine, outbox, people, sessions, tables
from fleet.database.engine import Database, Transaction
from fleet.database.leases import Lease
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Refused
from fleet.usecases import enrolment, kiosk
from fleet.usecases import sessions as desk
from fleet.usecases.fleet import Fleet
from fleet.usecases.passwords import digest
from protocol import messages
from protocol.enrolment import Machine
from tests.support.rooms import BOOT, KEYS

PROCESSES, THREADS = 5, 10
RACERS = PROCESSES * THREADS
Outcome = int | str
"""What a racer got: a number for success, a word for a refusal or an error."""

_UNCHANGED = sessions.unchanged
_ACTOR = Actor(role=OPERATEUR)


def _type_code(fleet: Fleet, lease: Lease, poste: int, code: str) -> int:
    asked = messages.Start(id=code, nonce="n", boot=BOOT, code=code)
    yes = kiosk.start(fleet, lease, poste, asked)
    return yes.wanted.session.id if yes.wanted.session else 0


def _create(fleet: Fleet, lease: Lease, person: int) -> int:
    return desk.create(fleet, _ACTOR, desk.NewSession(lease.site_id, 600, utilisateur_id=person)).session_id


def _add_time(fleet: Fleet, lease: Lease, session_id: int, seconds: int) -> int:
    return desk.add_time(fleet, _ACTOR, session_id, seconds)


def _bump(fleet: Fleet, lease: Lease, poste: int) -> int:
    with fleet.database.transaction(lease) as tx:
        return outbox.bump(tx, lease.site_id, poste, "demarrage")


def _enrol(fleet: Fleet, lease: Lease, token: str, password: str) -> int:
    machine = Machine(nom="pc", empreinte="0a" * 32)
    enrolment.enrol(fleet, token, password, machine, None)
    return 1


def _open_enrolment(fleet: Fleet, lease: Lease, poste: int) -> int:
    enrolment.open_(fleet, _ACTOR, poste)
    return 1


ACTIONS: dict[str, Callable[..., int]] = {
    "type_code": _type_code,
    "create": _create,
    "add_time": _add_time,
    "bump": _bump,
    "enrol": _enrol,
    "open_enrolment": _open_enrolment,
}


def _use_by_reading_first(tx: Transaction, token: str) -> Any:
    table = tables.enrolment
    row = tx.execute(select(table).where(table.c.token_hash == digest(token))).first()
    if row is None or row.statut != "ouvert":
        return None
    used = update(table).where(table.c.id == row.id).values(statut="utilise", fini_a=tx.now)
    return tx.execute(used.returning(table.c.id, table.c.poste_id)).first()


def _bump_by_reading_first(tx: Transaction, site_id: int, poste_id: int, reason: str) -> int:
    mine = tables.desired.c.poste_id == poste_id
    rev = int(tx.execute(select(tables.desired.c.rev).where(mine)).scalar_one()) + 1
    tx.execute(update(tables.desired).where(mine).values(rev=rev, reason=reason))
    return rev


def _begin_without_the_lock(connection: Any) -> None:
    connection.execute(text("BEGIN"))


def _whatever_is_stored() -> ColumnElement[bool]:
    return or_(_UNCHANGED(), tables.session.c.id > 0)


def _as_it_is(statement: Any) -> Any:
    return statement


FAULTS: dict[str, tuple[Any, str, Any]] = {
    "sessions are not locked": (sessions, "lock", _as_it_is),
    "sessions are saved blindly": (sessions, "unchanged", _whatever_is_stored),
    "people are not locked": (people, "lock", _as_it_is),
    "revs are read first": (outbox, "bump", _bump_by_reading_first),
    "tokens are read first": (enrolment, "_use", _use_by_reading_first),
    "SQLite begins without its lock": (engine, "_begin_sqlite", _begin_without_the_lock),
}


@dataclass(frozen=True)
class Race:
    """What all racers do: an action, the arguments of each, and what is broken meanwhile."""

    url: str
    lease: Lease
    action: str
    arguments: Sequence[tuple[Any, ...]]
    faults: Sequence[str] = ()


class Racers:
    """Processes that wait for races; a context manager."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._barrier = context.Barrier(PROCESSES)
        pipes = [context.Pipe() for _ in range(PROCESSES)]
        self._ends = [ours for ours, _ in pipes]
        self._processes: list[BaseProcess] = [
            context.Process(target=_work, args=(theirs, self._barrier), daemon=True) for _, theirs in pipes
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in self._ends:
            end.send(None)
        for process in self._processes:
            process.join(10)

    def run(self, race: Race) -> list[Outcome]:
        """All at once; what each got, in the order of the arguments."""
        for n, end in enumerate(self._ends):
            share = race.arguments[n * THREADS : (n + 1) * THREADS]
            end.send(Race(race.url, race.lease, race.action, share, race.faults))
        return [outcome for end in self._ends for outcome in end.recv()]


def _work(orders: Connection, barrier: Barrier) -> None:
    opened: dict[str, Database] = {}
    while (race := orders.recv()) is not None:
        with pytest.MonkeyPatch.context() as patch:
            for fault in race.faults:
                patch.setattr(*FAULTS[fault])
            # How SQLite begins is decided when its engine is made.
            name = race.url + "".join(fault for fault in race.faults if fault.startswith("SQLite"))
            database = opened.setdefault(name, Database(race.url, pool_size=THREADS))
            orders.send(_run(race, Fleet(database, KEYS), barrier))


def _run(race: Race, fleet: Fleet, barrier: Barrier) -> list[Outcome]:
    ready = threading.Barrier(THREADS, lambda: _pass(barrier))
    with ThreadPoolExecutor(THREADS) as threads:
        racing = [threads.submit(_racer, fleet, ready, race, arguments) for arguments in race.arguments]
        return [one.result(60) for one in racing]


def _pass(barrier: Barrier) -> None:
    barrier.wait(30)


def _racer(fleet: Fleet, ready: threading.Barrier, race: Race, arguments: tuple[Any, ...]) -> Outcome:
    with fleet.database.read() as tx:
        tx.execute(select(1))
        ready.wait(30)  # all have a connection of their own before anybody gives one back
    try:
        return ACTIONS[race.action](fleet, race.lease, *arguments)
    except Refused as refused:
        return refused.reason
    except Exception as error:  # noqa: BLE001  what a racer ran into is what the test looks at
        return type(error).__name__
