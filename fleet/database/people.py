"""People and operators as rows."""

from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, or_, select

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.tables import utilisateur
from fleet.domain.errors import NotFound
from fleet.domain.utilisateur import searchable, with_kept_numbers


def called(typed: str) -> ColumnElement[bool]:
    """Who is meant by this: parts of names, of an e-mail address, of a telephone number as one says it."""
    words = searchable(typed)
    ways = dict.fromkeys((words, with_kept_numbers(words)))
    return or_(*(listing.contains(utilisateur.c.recherche, way) for way in ways))


def locked(tx: Transaction, utilisateur_id: int) -> Row[Any]:
    """A member of the public, locked so that quotas count one at a time. Raises NotFound."""
    row = tx.execute(lock(_BY_ID), {"wanted": utilisateur_id}).first()
    if row is None:
        raise NotFound("utilisateur")
    return row


_BY_ID = select(utilisateur).where(utilisateur.c.id == bindparam("wanted"))


def lock(statement: Any) -> Any:
    """Keep others from counting the same person's quota until the commit."""
    return statement.with_for_update(key_share=True)
