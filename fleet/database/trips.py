"""Fewer trips to PostgreSQL: what needs no answer waits, and goes with the next statement that does.

psycopg2 sends BEGIN, each statement and COMMIT on their own, and each trip costs about as much as changing a row.
Here BEGIN goes with the first statement, COMMIT with the last, and a statement that carries LATER with the one after
it. What fails says so at the statement that it went with, and the transaction is over as it would be anyway.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Connection

LATER: dict[str, Any] = {"ppm_later": True}
"""Execution options: `statement.execution_options(**LATER)`. For writes of which no row and no count is wanted."""

_PARAMETER = re.compile(r"%\((\w+)\)s")
_OPENINGS = {
    extensions.ISOLATION_LEVEL_AUTOCOMMIT: b"",
    extensions.ISOLATION_LEVEL_READ_COMMITTED: b"BEGIN",
    extensions.ISOLATION_LEVEL_REPEATABLE_READ: b"BEGIN ISOLATION LEVEL REPEATABLE READ",
}


def named(name: str, statement: str) -> tuple[str, str]:
    """How a statement is prepared under a name, and how it is called by it."""
    parameters = list(dict.fromkeys(_PARAMETER.findall(statement)))
    numbered = _PARAMETER.sub(lambda found: f"${parameters.index(found[1]) + 1}", statement)
    arguments = ", ".join(f"%({parameter})s" for parameter in parameters)
    call = f"EXECUTE {name}({arguments})" if parameters else f"EXECUTE {name}"
    return f"PREPARE {name} AS {numbered.replace('%%', '%')}", call


def plan_once(connection: Connection) -> None:
    """Have the prepared statements of a transaction on PostgreSQL planned once and for all.

    It would plan them anew for the first values, and look at each of many values for that.
    """
    cast("Line", connection.connection.dbapi_connection).wait(
        b"SET LOCAL plan_cache_mode = force_generic_plan"
    )


class Words:
    """A statement that waits, in PostgreSQL's own words: for the few that every transaction ends with.

    SQLAlchemy would take longer to hand it on than PostgreSQL to do it.
    """

    def __init__(self, name: str, statement: str) -> None:
        self.name = name
        self.prepare, self.call = named(name, statement)

    def later(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Let it go with the next statement. The values are as psycopg2 takes them."""
        line = cast("Line", connection.connection.dbapi_connection)
        if self.name not in line.known:
            connection.exec_driver_sql(self.prepare)
            line.known.add(self.name)
        line.wait(line.pen.mogrify(self.call, values))


class Cursor(extensions.cursor):
    """Sends what waits before its own statement, in one trip; with `later`, lets its own wait too.

    With a name it lives on the server.
    """

    connection: "Line"
    later = False

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (the parent's name)
        """Run a statement, or let it wait."""
        if self.name is not None:
            self.connection.send()
            self.withhold = True  # else psycopg2 looks for a transaction, and it knows of none
            super().execute(query, vars)
            return
        text = self.mogrify(query, vars)
        if self.later:
            self.connection.wait(text)
        else:
            super().execute(self.connection.together(text))

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Run a statement for each of many values."""
        self.connection.send()
        super().executemany(query, vars_list)


class Line(extensions.connection):
    """A connection that begins and ends its transactions itself; psycopg2 is told that there are none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True
        self.cursor_factory = Cursor
        self._opening = b"BEGIN"
        self._waiting: list[bytes] = []
        self._began = False
        self.known: set[str] = set()
        self.pen = extensions.cursor(self)

    def set_isolation_level(self, level: int | None) -> None:
        """How transactions begin from now on."""
        self._opening = _OPENINGS[extensions.ISOLATION_LEVEL_READ_COMMITTED if level is None else level]

    def wait(self, text: bytes) -> None:
        """Let a statement wait for the next."""
        self._open()
        self._waiting.append(text)

    def together(self, text: bytes) -> bytes:
        """A statement with all that waits before it."""
        self._open()
        whole = b";\n".join([*self._waiting, text])
        self._waiting.clear()
        return whole

    def send(self) -> None:
        """Run what waits."""
        self._open()
        if self._waiting:
            waiting = self._waiting[:]
            self._waiting.clear()
            self._run(waiting)

    def commit(self) -> None:
        """Run what waits and keep all since the beginning. Raises psycopg2.Error when it is not kept."""
        if self._began:
            waiting = [*self._waiting, b"COMMIT"]
            self._waiting.clear()
            if self._run(waiting) != "COMMIT":
                raise psycopg2.InternalError("a transaction that has failed cannot be committed")
            self._began = False

    def rollback(self) -> None:
        """Undo all since the beginning."""
        self._waiting.clear()
        self._began = False
        if self.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            self._run([b"ROLLBACK"])

    def ping(self) -> None:
        """See that the server answers, in no transaction. Raises psycopg2.Error."""
        self._run([b"SELECT 1"])

    def _open(self) -> None:
        if self._opening and not self._began:
            self._began = True
            self._waiting.append(self._opening)

    def _run(self, texts: Sequence[bytes]) -> str | None:
        with extensions.cursor(self) as cursor:
            cursor.execute(b";\n".join(texts))
            status: str | None = cursor.statusmessage
        return status
