"""The few words of SQL that the two databases spell differently."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Select, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from fleet.database.engine import Transaction
from fleet.database.types import Instant


def any_of(tx: Transaction, column: Column[Any], values: Sequence[int]) -> ColumnElement[bool]:
    """`column IN values` with one parameter, however many there are, so that the statement is cached."""
    if tx.is_postgresql:
        return column == any_(bindparam(None, list(values), type_=ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def one_of_few(tx: Transaction, column: Column[Any], found: Select[Any]) -> ColumnElement[bool]:
    """`column IN (SELECT ...)` of few: PostgreSQL goes to the column's index for each rather than through all rows."""
    return column == any_(func.array(found.scalar_subquery())) if tx.is_postgresql else column.in_(found)


class clock_read(FunctionElement[datetime]):  # noqa: N801 (spelled as the functions of `func`)
    """The database's clock within a statement; NULL where it is this machine's."""

    type = Instant()
    inherit_cache = True


@compiles(clock_read)
def _clock_read(_element: clock_read, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"


@compiles(clock_read, "sqlite")
def _clock_read_sqlite(_element: clock_read, _compiler: Any, **_: Any) -> str:
    return "NULL"


def now_within(tx: Transaction) -> Any:
    """The moment of the statement, to compare with: no trip of its own, and indexes serve as for a constant."""
    return func.statement_timestamp(type_=Instant) if tx.is_postgresql else tx.now


class folded(FunctionElement[str]):  # noqa: N801
    """A text as `fleet.domain.utilisateur.searchable` makes it, for lists that are too short to keep it stored."""

    type = String()
    inherit_cache = True


@compiles(folded)
def _folded(element: folded, compiler: Any, **words: Any) -> str:
    # The accents go first: a database of the C locale knows only the capitals of ASCII.
    said = compiler.process(element.clauses, **words)
    return rf"lower(regexp_replace(normalize({said}, NFKD), '[\u0300-\u036f]', '', 'g'))"


@compiles(folded, "sqlite")
def _folded_sqlite(element: folded, compiler: Any, **words: Any) -> str:
    return f"ppm_folded({compiler.process(element.clauses, **words)})"
