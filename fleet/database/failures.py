"""What is said of an error of the database: its kind and its SQLSTATE, never the rows that it was about."""

import traceback
from typing import Any

from sqlalchemy.exc import DBAPIError

_DEEPEST = 30


def described(error: BaseException) -> dict[str, Any]:
    """The facts of an error that a log may hold: names and addresses stand in messages and parameters."""
    facts = {"error": type(error).__name__}
    state = _sqlstate(error)
    return facts if state is None else facts | {"sqlstate": state}


def came_through(error: BaseException) -> list[str]:
    """Where an error came through, the last place first; without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)][:_DEEPEST]


def traced(error: BaseException) -> dict[str, Any]:
    """The same with the places that it came through; of a group, its first error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return described(error) | {"at": came_through(error)}


def is_unreachable(error: DBAPIError) -> bool:
    """Whether the database itself is gone or going, rather than a statement refused."""
    state = _sqlstate(error)
    return error.connection_invalidated or state is None or state[:2] in ("08", "57", "53")


def is_locked(error: DBAPIError) -> bool:
    """Whether a statement waited too long for what another transaction holds."""
    return _sqlstate(error) == "55P03" or "database is locked" in str(error.orig)


def _sqlstate(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "pgcode", None)
    return state
