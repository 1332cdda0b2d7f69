"""PostgreSQL databases that tests use in turn: each gets one as the template is, under a name of its own.

A new copy takes a fifth of a second, to empty a used one a tenth of that. One whose schema a test has changed is not
used again.
"""

import io
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import sql

from fleet.database import schema
from fleet.database.engine import Database
from ppm.parts.postgres import PrivatePostgres

_SCHEMA = """
    SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
        SELECT concat_ws(' ', relname, relkind, relpersistence, attname, atttypid, attnotnull, atthasdef) AS line
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_constraintdef(oid) || conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT proname || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT setconfig::text FROM pg_db_role_setting
    ) AS lines
"""
_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'"
_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
_RENAME = "ALTER DATABASE {} RENAME TO {}"


@dataclass
class _Contents:
    """What a database is made of, and holds."""

    schema: str
    rows: dict[str, str]
    sequences: dict[str, int]


@dataclass
class Copies:
    """Copies of one template, which nobody may be connected to."""

    server: PrivatePostgres
    template: str
    _free: list[str] = field(default_factory=list)
    _like: _Contents | None = None

    def take(self, name: str) -> str:
        """The URL of one with this name."""
        if not self._free:
            return self.server.create_database(name, self.template)
        self._administer(_named(_RENAME, self._free.pop(), name))
        return self.server.url(name)

    def give_back(self, name: str) -> None:
        """A test has used it. Whoever is still connected is cut off, and does not find it again."""
        used = f"used_{name}"
        self._administer(sql.SQL(_OTHERS), name)
        self._administer(_named(_RENAME, name, used))
        if self._is_like_new(used):
            self._free.append(used)
        else:
            self.server.drop_database(used)

    def _is_like_new(self, name: str) -> bool:
        if self._like is None:
            self._like = self._read(self.template)
        like, connection = self._like, self._connected(name)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(_SCHEMA)
                if cursor.fetchone() != (like.schema,):
                    return False
                cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
                cursor.execute(";".join(f'DELETE FROM "{table}"' for table in like.rows))
                for table, rows in like.rows.items():
                    if rows:
                        cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.StringIO(rows))
                cursor.execute(_SEQUENCES)
                for sequence, last in cursor.fetchall():
                    before = like.sequences[sequence]
                    if last != before:
                        cursor.execute("SELECT setval(%s, %s, %s)", (sequence, max(1, before), before > 0))
        finally:
            connection.close()
        return True

    def _read(self, name: str) -> _Contents:
        connection = self._connected(name)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(_SCHEMA)
                found = _Contents(cursor.fetchone()[0], {}, {})  # type: ignore[index]
                cursor.execute(_TABLES)
                for (table,) in cursor.fetchall():
                    cursor.copy_expert(f'COPY "{table}" TO STDOUT', rows := io.StringIO())
                    found.rows[table] = rows.getvalue()
                cursor.execute(_SEQUENCES)
                found.sequences.update(cursor.fetchall())
        finally:
            connection.close()
        return found

    def _connected(self, name: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(self.server.dsn(name))

    def _administer(self, statement: sql.Composable, *values: str) -> None:
        connection = self._connected("postgres")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
        finally:
            connection.close()


def _named(statement: str, *names: str) -> sql.Composable:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))


def migrate(url: str) -> None:
    """Make the schema of this version."""
    database = Database(url, pool_size=1)
    schema.upgrade(database)
    database.close()
