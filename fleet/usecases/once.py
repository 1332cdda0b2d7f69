"""Work on terms: done once however often it is asked for, and only on the version of a record that was read.

The claim of the key, the work and its sealed answer are one transaction: whatever dies, either all of them are
there or none is, and a second caller waits for the first at the key's row.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import OperationalError

from fleet.database.engine import Transaction
from fleet.database.failures import is_locked
from fleet.database.tables import answered
from fleet.domain.errors import FleetError, Invalid, Refused
from fleet.usecases.fleet import Fleet

T = TypeVar("T")
KEPT = timedelta(hours=24)
_KEY = re.compile("[!-~]{1,255}")
RETRY_AFTER_S = 2
HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Key:
    """A key of a caller (`owner`), and the request that it stands for. Raises Invalid for what is no key."""

    owner: str
    key: str
    request: bytes

    def __post_init__(self) -> None:
        if _KEY.fullmatch(self.key) is None:
            raise Invalid(HEADER, "cle_invalide")


@dataclass(frozen=True)
class Read:
    """The record that the caller has read, and the versions of it that a change may meet."""

    table: Table
    id: int
    versions: frozenset[int]


@dataclass(frozen=True)
class Answer:
    """What was answered: the HTTP status and the body."""

    status: int
    body: str


class Answered(FleetError):
    """The same request was done before: this is what it was answered."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__()


def on_terms(
    fleet: Fleet, key: Key | None, read: Read | None, work: Callable[[], T], told: Callable[[T], Answer]
) -> T:
    """Do the work on these terms, in one transaction. `told` gives the answer to keep for the key.

    Raises Answered, or Refused: for a key of another request, for a record that was changed meanwhile, or by the
    rules. What the rules refuse is not kept: nothing was done, and the same key may try again.
    """
    with fleet.database.together() as tx:
        if key is not None:
            _claim(fleet, tx, key)
        current = read is None or _is_current(tx, read)
        try:
            done = work()
        except Refused as refused:
            refusal = refused
            _forget(tx, key)
        else:
            if not current:
                # Said after the work, which is undone: a record that is not the caller's stays unknown to it.
                raise Refused("version_ancienne")
            _keep(fleet, tx, key, told(done) if key else None)
            return done
    raise refusal


def sweep(fleet: Fleet) -> int:
    """Forget the answers that are older than a day. Gives how many."""
    with fleet.database.transaction() as tx:
        return tx.execute(delete(answered).where(answered.c.created_at < tx.now - KEPT)).rowcount


def _claim(fleet: Fleet, tx: Transaction, key: Key) -> None:
    """Take the key until the end of the transaction. Raises Answered, and Refused."""
    if _is_new(tx, key, mark := _mark(fleet, key)):
        return
    row = tx.execute(select(answered).where(*_is(key))).first()
    if row is None or row.created_at < tx.now - KEPT:
        _forget(tx, key)
        _is_new(tx, key, mark)
        return
    if not hmac.compare_digest(bytes(row.empreinte), mark):
        raise Invalid(HEADER, "cle_deja_utilisee")
    raise Answered(_answer(fleet, row))


def _is_new(tx: Transaction, key: Key, mark: bytes) -> bool:
    insert = pg_insert(answered) if tx.is_postgresql else sqlite_insert(answered)
    values = {"demandeur": key.owner, "cle": key.key, "empreinte": mark, "created_at": tx.now}
    try:
        return tx.execute(insert.values(values).on_conflict_do_nothing()).rowcount == 1
    except OperationalError as error:
        if is_locked(error):
            raise Refused("demande_en_cours", retry_after_s=RETRY_AFTER_S) from None
        raise


def _mark(fleet: Fleet, key: Key) -> bytes:
    return hmac.digest(fleet.keys.index_key, key.request, hashlib.sha256)


def _answer(fleet: Fleet, row: Row[Any]) -> Answer:
    body = None if row.corps is None else fleet.keys.unseal(bytes(row.corps))
    if body is None:
        raise Refused("demande_deja_faite")
    return Answer(row.statut, body)


def _keep(fleet: Fleet, tx: Transaction, key: Key | None, answer: Answer | None) -> None:
    if key is not None and answer is not None:
        values = {"statut": answer.status, "corps": fleet.keys.seal(answer.body)}
        tx.execute(update(answered).where(*_is(key)).values(values))


def _forget(tx: Transaction, key: Key | None) -> None:
    if key is not None:
        tx.execute(delete(answered).where(*_is(key)))


def _is(key: Key) -> tuple[Any, Any]:
    return answered.c.demandeur == key.owner, answered.c.cle == key.key


def _is_current(tx: Transaction, read: Read) -> bool:
    columns = read.table.c
    wanted = select(columns.version).where(columns.id == read.id).with_for_update(key_share=True)
    return tx.execute(wanted).scalar_one_or_none() in read.versions
