"""The few words of SQL that the two databases spell differently."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from fleet.database.engine import Transaction


def any_of(tx: Transaction, column: Column[Any], values: Sequence[int]) -> ColumnElement[bool]:
    """`column IN values` with one parameter, however many there are, so that the statement is cached."""
    if tx.is_postgresql:
        return column == any_(bindparam(None, list(values), type_=ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))
