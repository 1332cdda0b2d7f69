"""The checker: whether the database, the postes and the machines' own stopwatches tell the same story.

Each rule gives sentences about what is wrong; none is what must hold.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import OperationalError

from fleet.database import audit
from fleet.database.engine import Transaction
from fleet.database.outbox import Wanted, of_postes
from fleet.database.sessions import to_session
from fleet.database.tables import grant, log, session
from fleet.domain.poste import MAINTENANCE
from fleet.domain.session import EN_ATTENTE, SUSPENDUE
from fleet.usecases.fleet import Fleet
from tests.end_to_end.poste import Poste

ONLY_OPERATORS = ("generation_code", "ajout_temps")
"""Other actions are also done by the controller, after a fault."""
AGREED_MS = 1_000
"""How far a deadline may be from what a poste counts down to."""
TOLERANCE_MS = 1_000
"""Books are right to the second: a killed agent is seen alive every quarter of one."""


@dataclass
class Told:
    """What operators were told is done, and what they never heard of, by session and action."""

    done: Counter[tuple[int, str]] = field(default_factory=Counter)
    unknown: Counter[tuple[int, str]] = field(default_factory=Counter)


@dataclass
class Books:
    """Looks at the postes of a stage. It remembers revs, for they never go down."""

    fleet: Fleet
    told: Told = field(default_factory=Told)
    step: timedelta = timedelta(0)
    _revs: dict[int, int] = field(default_factory=dict)

    def unsettled(self, postes: Sequence[Poste]) -> list[str]:
        """What postes and database do not agree on yet."""
        try:
            return self._unsettled(postes)
        except OperationalError:
            return ["the database does not answer"]

    def _unsettled(self, postes: Sequence[Poste]) -> list[str]:
        with self.fleet.database.read() as tx:
            wanted = {one.poste_id: one for one in of_postes(tx, [poste.id for poste in postes])}
            now = tx.now + self.step
            return [said for poste in postes for said in _unsettled(poste, wanted[poste.id], now)]

    def wrong(self, postes: Sequence[Poste]) -> list[str]:
        """Everything that does not hold."""
        with self.fleet.database.read() as tx:
            return [
                *self._time(tx, postes),
                *self._went_down(tx, postes),
                *self._lost(tx, postes),
                *(f"{poste.slug}: {said}" for poste in postes for said in _twice(poste)),
                *(
                    f"audit chain {one.chain}, {one.numero}: {one.what}"
                    for one in audit.verify(tx.connection)
                ),
            ]

    def _time(self, tx: Transaction, postes: Sequence[Poste]) -> Iterator[str]:
        here = session.c.poste_id.in_([poste.id for poste in postes])
        opened = [number for poste in postes for number in poste.machine.sessions]
        rows = tx.execute(select(session).where(or_(here, session.c.id.in_(opened)))).all()
        ledger = tx.execute(
            select(grant.c.session_id, func.sum(grant.c.montant_ms))
            .where(grant.c.genre.in_(("initial", "ajout", "retrait")))
            .group_by(grant.c.session_id)
        )
        given = {line[0]: int(line[1]) for line in ledger}
        for row in rows:
            used_ms = round(sum(poste.machine.used_s(row.id) for poste in postes) * 1000)
            one, now = to_session(row), tx.now + self.step
            granted, left = given[row.id], one.unspent_ms(now)
            if granted != one.granted_ms:
                yield f"session {row.id}: the ledger has {granted} ms, the session {one.granted_ms} ms"
            if abs(granted - used_ms - left) > TOLERANCE_MS:
                yield (
                    f"session {row.id} ({row.statut}, {row.motif_fin}): granted {granted} ms, "
                    f"used {used_ms} ms by the machine, {left} ms left: {granted - used_ms - left} ms too many; "
                    + "; ".join(_story(tx, row.id))
                )

    def _went_down(self, tx: Transaction, postes: Sequence[Poste]) -> Iterator[str]:
        for one in of_postes(tx, [poste.id for poste in postes]):
            before = self._revs.get(one.poste_id, 0)
            if one.rev < before:
                yield f"{one.slug}: its rev went down from {before} to {one.rev}"
            self._revs[one.poste_id] = max(before, one.rev)

    def _lost(self, tx: Transaction, postes: Sequence[Poste]) -> Iterator[str]:
        theirs = select(session.c.id).where(session.c.poste_id.in_([poste.id for poste in postes]))
        here = set(tx.execute(theirs).scalars())
        what = (log.c.session_id, log.c.action)
        rows = tx.execute(select(*what, func.count()).where(log.c.session_id.in_(here)).group_by(*what))
        kept = {(row[0], row[1]): row[2] for row in rows}
        for deed in {deed for deed in (*self.told.done, *self.told.unknown) if deed[0] in here}:
            least, most = self.told.done[deed], self.told.done[deed] + self.told.unknown[deed]
            if deed[1] not in ONLY_OPERATORS:
                most = max(most, kept.get(deed, 0))
            if not least <= kept.get(deed, 0) <= most:
                yield f"{deed}: told {least} to {most} times, kept {kept.get(deed, 0)} times"


def _story(tx: Transaction, session_id: int) -> Iterator[str]:
    """How a session came to what it is: its ledger and its audit trail."""
    for line in tx.execute(select(grant).where(grant.c.session_id == session_id).order_by(grant.c.id)):
        yield f"{line.created_at:%T.%f} {line.genre} {line.montant_ms} ms, rev {line.rev}"
    for line in tx.execute(select(log).where(log.c.session_id == session_id).order_by(log.c.numero)):
        yield f"{line.created_at:%T.%f} {line.action} {line.metadata}"


def _twice(poste: Poste) -> Iterator[str]:
    for told in poste.said:
        if told["reason"] is not None:
            yield f"its visitor was refused: {told['reason']}"
    for text, times in poste.machine.shown.items():
        if times > 1:
            yield f"{text!r} was shown {times} times"


def _unsettled(poste: Poste, wanted: Wanted, now: Any) -> Iterator[str]:
    if not poste.online:
        yield f"{poste.slug}: not connected"
        return
    if poste.machine.unlocked != (poste.phase in ("active", "grace")):
        yield f"{poste.slug}: its visitor sees {poste.phase}, its machine moves its bolt"
    if poste.view["checking"]:
        yield f"{poste.slug}: its visitor waits for an answer"
    if wanted.applied_rev != wanted.rev or wanted.sent_rev != wanted.rev:
        yield f"{poste.slug}: rev {wanted.rev}, sent {wanted.sent_rev}, applied {wanted.applied_rev}"
    here = wanted.session
    if here is not None and here.confirm_by is not None:
        yield f"{poste.slug}: session {here.id} is not confirmed"
    if poste.phase != (right := _phase(wanted, now)):
        yield f"{poste.slug}: {poste.phase}, should be {right}"
    elif here is not None and poste.view["session"] != str(here.id):
        yield f"{poste.slug}: session {poste.view['session']}, should be {here.id}"
    elif here is not None and right == "active":
        theirs, ours = poste.view["deadline"] - _boot_clock_ms(), here.remaining_ms(now)
        if abs(theirs - ours) > AGREED_MS:
            yield f"{poste.slug}: {theirs} ms left, should be {ours}"


def _boot_clock_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _phase(wanted: Wanted, now: Any) -> str:
    here = wanted.session
    if here is None or here.statut == EN_ATTENTE:
        return "maintenance" if wanted.wanted == MAINTENANCE or wanted.needs_care else "locked"
    if here.statut == SUSPENDUE:
        return "suspended"
    return "grace" if here.in_grace(now) else "active"
