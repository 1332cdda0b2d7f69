"""The local day and hour of an instant where a site is, computed by the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Float, Integer, String, cast, func, literal

from fleet.database.engine import Transaction
from fleet.database.types import Instant


def day(tx: Transaction, instant: Any, zone: Any) -> ColumnElement[str]:
    """The local date, as YYYY-MM-DD."""
    if tx.is_postgresql:
        return cast(cast(func.timezone(zone, instant), Date), String)
    return func.substr(func.ppm_local(instant, zone), 1, 10)


def start(tx: Transaction, unit: str, instant: Any, zone: Any) -> ColumnElement[datetime]:
    """The instant at which the local "day" or "week" (from Monday) began."""
    if tx.is_postgresql:
        local = func.date_trunc(unit, func.timezone(zone, instant))
        return func.timezone(zone, local, type_=Instant)
    return func.ppm_start(unit, literal(instant, Instant), zone, type_=Instant)


def hour(tx: Transaction, instant: Any, zone: Any) -> ColumnElement[str]:
    """The local hour, 0 to 23, as text."""
    if tx.is_postgresql:
        return cast(cast(func.extract("hour", func.timezone(zone, instant)), Integer), String)
    return cast(cast(func.substr(func.ppm_local(instant, zone), 12, 2), Integer), String)


def weekday(tx: Transaction, instant: Any, zone: Any) -> ColumnElement[int]:
    """The local day of the week, Monday = 0."""
    if tx.is_postgresql:
        return cast(func.extract("isodow", func.timezone(zone, instant)), Integer) - 1
    sunday_first = func.strftime("%w", func.substr(func.ppm_local(instant, zone), 1, 10))
    return (cast(sunday_first, Integer) + 6) % 7


def into_hour(tx: Transaction, instant: Any, zone: Any) -> ColumnElement[int]:
    """How many whole seconds of the local hour are past."""
    if tx.is_postgresql:
        local = func.timezone(zone, instant)
        whole = cast(func.floor(func.extract("second", local)), Integer)
        return cast(func.extract("minute", local), Integer) * 60 + whole
    local = func.ppm_local(instant, zone)
    return cast(func.substr(local, 15, 2), Integer) * 60 + cast(func.substr(local, 18, 2), Integer)


def seconds(tx: Transaction, begin: Any, end: Any) -> ColumnElement[float]:
    """How long it is from one instant to another."""
    if tx.is_postgresql:
        return cast(func.extract("epoch", end - begin), Float)
    return (func.julianday(end) - func.julianday(begin)) * 86_400.0
