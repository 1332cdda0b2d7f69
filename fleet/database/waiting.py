"""Who waits for the next free poste, as rows."""

from sqlalchemy import select

from fleet.database.engine import Transaction
from fleet.database.tables import queue
from fleet.domain.queue import APPELEE


def is_called_to(tx: Transaction, poste_id: int) -> bool:
    """Whether somebody who waited has just been called to this poste."""
    called = (queue.c.poste_id == poste_id, queue.c.statut == APPELEE, queue.c.expire_a > tx.now)
    return tx.execute(select(queue.c.id).where(*called)).first() is not None
