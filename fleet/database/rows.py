"""Rows as plain named tuples: SQLAlchemy's own look up each name anew, which takes longer than the rest of a page."""

from collections import namedtuple
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import Result


def all_of(result: Result[Any]) -> list[Any]:
    """All rows of a result."""
    return list(map(_named(tuple(result.keys())), result.all()))


def first_of(result: Result[Any]) -> Any | None:
    """The first row of a result, if it has one."""
    names, row = tuple(result.keys()), result.first()
    return None if row is None else _named(names)(row)


@lru_cache(1_000)
def _named(names: tuple[str, ...]) -> Callable[..., Any]:
    record: Any = namedtuple("Record", names)  # type: ignore[misc]  # a statement's own
    make: Callable[..., Any] = record._make
    return make
