"""Taking people out of rows. What is counted stays: when, where, how long, of which categorie."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, null, or_, select, update

from fleet.database.engine import Transaction
from fleet.database.register import FORGOTTEN
from fleet.database.sql import any_of
from fleet.database.tables import answered, log, metadata, session, utilisateur

_WORDS = {"nom", "prenom", "notes"}
"""What is written about a person beside the reference to them."""


def anonymise_sessions(tx: Transaction, which: Any) -> int:
    """Forget who had these sessions and what was noted about them."""
    theirs = select(utilisateur.c.categorie).where(utilisateur.c.id == session.c.utilisateur_id)
    kept = func.coalesce(session.c.categorie, theirs.correlate(session).scalar_subquery())
    values = {"categorie": kept, "utilisateur_id": None, "notes": ""}
    return tx.execute(update(session).where(which).values(**values, **_stamps(tx, session))).rowcount


def forget_people(tx: Transaction, ids: Sequence[int]) -> int:
    """Delete people and every word about them; their sessions and the audit chain stay, without them."""
    for number in ids:
        tx.forget(FORGOTTEN, number)
    hold_back_answers(tx)
    anonymise_sessions(tx, any_of(tx, session.c.utilisateur_id, ids))
    tx.execute(select(utilisateur.c.id).where(any_of(tx, utilisateur.c.id, ids)).with_for_update())
    tx.execute(update(log).where(any_of(tx, log.c.utilisateur_id, ids)).values(personal=null(), salt=None))
    for table in metadata.sorted_tables:
        for column in table.c:
            if any(key.column is utilisateur.c.id for key in column.foreign_keys):
                mine = any_of(tx, column, ids)
                tx.execute(
                    table.update()
                    .where(mine)
                    .values({column.name: None, **_blank(table), **_stamps(tx, table)})
                    if column.nullable
                    else table.delete().where(mine)
                )
    return tx.execute(utilisateur.delete().where(any_of(tx, utilisateur.c.id, ids))).rowcount


def hold_back_answers(tx: Transaction) -> None:
    """Tell no answer again that was given under a key: it may tell of somebody who is forgotten now, and is sealed, so
    that nobody knows which do. The keys still stand: nothing is done twice."""
    tx.execute(update(answered).where(answered.c.corps.is_not(None)).values(corps=null()))


def forget_promises(tx: Transaction, table: Table, which: Any) -> int:
    """Forget whom bookings or tickets were for, and what was noted about them."""
    words = _blank(table)
    said = or_(table.c.utilisateur_id.is_not(None), *(table.c[name] != "" for name in words))
    values = {"utilisateur_id": None, **words, **_stamps(tx, table)}
    return tx.execute(update(table).where(which, said).values(**values)).rowcount


def _blank(table: Table) -> dict[str, str]:
    return dict.fromkeys(sorted(_WORDS & set(table.c.keys())), "")


def _stamps(tx: Transaction, table: Table) -> dict[str, Any]:
    """The row is another one: whoever read it before must read it again."""
    return {"version": table.c.version + 1, "updated_at": tx.now} if "version" in table.c else {}


def forget_addresses(tx: Transaction, which: Any) -> int:
    """Forget what is personal in lines of the audit trail. Their commitments stay, so that the chain holds."""
    old = select(log.c.id).where(which, log.c.personal.is_not(None)).limit(5_000)
    return tx.execute(update(log).where(log.c.id.in_(old)).values(personal=null(), salt=None)).rowcount
