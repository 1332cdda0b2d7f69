"""The ledger of sessions, as it is written: append-only, each line with the rev that tells the poste of it."""

from typing import Any

from sqlalchemy import Connection, Insert, bindparam, insert, select

from fleet.database.prepared import PREPARED
from fleet.database.tables import desired, grant, session
from fleet.database.trips import LATER

_COLUMNS = [column.name for column in grant.c if column.name not in ("id", "rev")]
_WRITE = insert(grant).inline().execution_options(**PREPARED, **LATER)
_TOLD = (
    select(desired.c.rev)
    .join(session, session.c.poste_id == desired.c.poste_id)
    .where(session.c.id == bindparam("session_id"))
    .scalar_subquery()
)
_WRITE_TOLD = _WRITE.values(**{name: bindparam(name) for name in _COLUMNS}, rev=_TOLD)


def write(connection: Connection, lines: list[dict[str, Any]], rev: int | None = None) -> None:
    """Write the lines that wait, and forget them. No rev: no poste is to be told."""
    _write(connection, _WRITE, [{**line, "rev": rev} for line in lines])
    lines.clear()


def write_told(connection: Connection, lines: list[dict[str, Any]]) -> None:
    """The same for lines of several sessions, each with the rev that its poste has just been given."""
    _write(connection, _WRITE_TOLD, lines)
    lines.clear()


def _write(connection: Connection, statement: Insert, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        connection.execute(statement, line)
