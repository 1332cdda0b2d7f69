"""Statements that PostgreSQL plans once for each connection: for the few that every visitor's click runs.

Planning a join takes it longer than running it, and psycopg2 sends plain text. A statement that carries PREPARED is
sent as EXECUTE of a prepared one instead. Names, types and results are the same.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event

from fleet.database.trips import named

PREPARED: dict[str, Any] = {"ppm_prepared": True}
"""Execution options: `statement.execution_options(**PREPARED)`. For statements whose text is always the same."""

_MOST = 100
Known = dict[str, str]


def prepare_on(engine: Engine) -> None:
    """Let an engine prepare the statements that ask for it."""
    event.listen(engine, "before_cursor_execute", _instead, retval=True)


def _instead(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    if executemany or context is None:
        return statement, parameters
    options = context.execution_options
    if options.get("ppm_prepared"):
        statement = _known(connection, cursor, statement)
    cursor.later = options.get("ppm_later", False)
    return statement, parameters


def _known(connection: Connection, cursor: Any, statement: str) -> str:
    """The statement as it is sent: by its name, if it has one or can be given one."""
    known: Known = connection.info.setdefault("ppm_prepared", {})
    call = known.get(statement)
    if call is None:
        if len(known) >= _MOST:
            return statement
        call = known[statement] = _prepare(cursor, statement, f"ppm_{len(known)}")
    return call


def _prepare(cursor: Any, statement: str, name: str) -> str:
    prepare, call = named(name, statement)
    cursor.execute(prepare)
    return call
