"""What leaves by e-mail and webhook: a row for each fact and each one who is told, until it went or is given up.

Who makes a fact (an alert, a report) writes one row that names nobody, in its own transaction, and need not know who
is told. A controller makes of it one row for each target. Taking rows is putting off when they are due, so that a
controller that dies with them in its hands only delays them: they go at least once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from fleet.database.engine import Transaction
from fleet.database.sql import any_of
from fleet.database.tables import delivery
from fleet.domain.delivery import A_ENVOYER, ABANDONNE, ENVOYE, LIFE, RAPPORT, pause

TOPIC = "delivery"
TAKEN = timedelta(minutes=3)
"""Longer than any try takes."""
AT_ONCE = 100


def ask(
    tx: Transaction,
    kind: str,
    *,
    alert_id: int | None = None,
    report: tuple[str, date] | None = None,
) -> None:
    """Have this told to whoever is to know."""
    genre, day = report or (None, None)
    values = {"alerte_id": alert_id, "rapport_genre": genre, "rapport_jour": day}
    tx.execute(
        insert(delivery).values(genre=kind, apres=tx.now, created_at=tx.now, updated_at=tx.now, **values)
    )
    tx.tell(0, TOPIC)


def address(tx: Transaction, targets: Mapping[str, Iterable[str]]) -> None:
    """Make a row for each target of what nobody is named for yet; `targets` are their names by kind of fact."""
    facts = tx.execute(delete(delivery).where(delivery.c.cible.is_(None)).returning(delivery)).all()
    rows = [
        {**fact._mapping, "cible": name}
        for fact in sorted(facts, key=lambda fact: fact.id)
        for name in targets.get(fact.genre, ())
    ]
    if rows:
        tx.execute(insert(delivery), [{k: v for k, v in row.items() if k != "id"} for row in rows])
    known = {name for names in targets.values() for name in names}
    gone = (
        delivery.c.statut == A_ENVOYER,
        delivery.c.cible.not_in(known),
        delivery.c.created_at < tx.now - LIFE,
    )
    tx.execute(update(delivery).where(*gone).values(statut=ABANDONNE, updated_at=tx.now))


def due(tx: Transaction) -> set[str]:
    """The targets that something waits for now."""
    waiting = (delivery.c.statut == A_ENVOYER, delivery.c.apres <= tx.now, delivery.c.cible.is_not(None))
    return set(tx.execute(select(delivery.c.cible).where(*waiting).distinct()).scalars())


def take(tx: Transaction, target: str, holder: str) -> Sequence[Row[Any]]:
    """What goes to a target in one message: all alerts that are due, or one report. Nobody else has them meanwhile."""
    waiting = (delivery.c.statut == A_ENVOYER, delivery.c.cible == target, delivery.c.apres <= tx.now)
    ordered = select(delivery).where(*waiting).order_by(delivery.c.id).limit(AT_ONCE)
    rows = tx.execute(ordered.with_for_update(skip_locked=True)).all()
    if rows and rows[0].genre == RAPPORT:
        rows = rows[:1]
    rows = [row for row in rows if (row.genre == RAPPORT) is (rows[0].genre == RAPPORT)]
    if rows:
        taken = {"apres": tx.now + TAKEN, "preneur": holder, "essais": delivery.c.essais + 1}
        mine = any_of(tx, delivery.c.id, [row.id for row in rows])
        tx.execute(update(delivery).where(mine).values(**taken))
    return rows


def sent(tx: Transaction, rows: Sequence[Row[Any]], holder: str) -> None:
    """They went."""
    values = {"statut": ENVOYE, "updated_at": tx.now}
    tx.execute(update(delivery).where(*_mine(tx, rows, holder)).values(**values))


def failed(tx: Transaction, rows: Sequence[Row[Any]], holder: str) -> int:
    """They did not: try again later, the oldest no more. Gives how many were given up."""
    mine = _mine(tx, rows, holder)
    too_old = delivery.c.created_at < tx.now - LIFE
    given_up = update(delivery).where(*mine, too_old).values(statut=ABANDONNE, updated_at=tx.now)
    gone = tx.execute(given_up).rowcount
    later = tx.now + pause(max(row.essais for row in rows) + 1)
    tx.execute(update(delivery).where(*mine, ~too_old).values(apres=later, updated_at=tx.now))
    return gone


def _mine(tx: Transaction, rows: Sequence[Row[Any]], holder: str) -> tuple[Any, ...]:
    ids = any_of(tx, delivery.c.id, [row.id for row in rows])
    return ids, delivery.c.preneur == holder, delivery.c.statut == A_ENVOYER
