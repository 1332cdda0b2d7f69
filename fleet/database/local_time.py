"""The local day and hour of an instant where a site is, computed by the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Integer, String, cast, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from fleet.database.engine import Transaction
from fleet.database.types import Instant


class day(FunctionElement[str]):  # noqa: N801 (spelled as the functions of `func`)
    """The local date of an instant in a zone, as YYYY-MM-DD."""

    type = String()
    inherit_cache = True


@compiles(day)
def _day(element: day, compiler: Any, **words: Any) -> str:
    instant, zone = _parts(element, compiler, words)
    return f"CAST(CAST(timezone({zone}, {instant}) AS DATE) AS VARCHAR)"


@compiles(day, "sqlite")
def _day_sqlite(element: day, compiler: Any, **words: Any) -> str:
    instant, zone = _parts(element, compiler, words)
    return f"substr(ppm_local({instant}, {zone}), 1, 10)"


class hour(FunctionElement[str]):  # noqa: N801
    """The local hour of an instant in a zone, 0 to 23, as text."""

    type = String()
    inherit_cache = True


@compiles(hour)
def _hour(element: hour, compiler: Any, **words: Any) -> str:
    instant, zone = _parts(element, compiler, words)
    return f"CAST(CAST(EXTRACT(hour FROM timezone({zone}, {instant})) AS INTEGER) AS VARCHAR)"


@compiles(hour, "sqlite")
def _hour_sqlite(element: hour, compiler: Any, **words: Any) -> str:
    instant, zone = _parts(element, compiler, words)
    return f"CAST(CAST(substr(ppm_local({instant}, {zone}), 12, 2) AS INTEGER) AS VARCHAR)"


class seconds(FunctionElement[float]):  # noqa: N801
    """How long it is from one instant to another."""

    type = Float()
    inherit_cache = True


@compiles(seconds)
def _seconds(element: seconds, compiler: Any, **words: Any) -> str:
    begin, end = _parts(element, compiler, words)
    return f"CAST(EXTRACT(epoch FROM {end} - {begin}) AS FLOAT)"


@compiles(seconds, "sqlite")
def _seconds_sqlite(element: seconds, compiler: Any, **words: Any) -> str:
    begin, end = _parts(element, compiler, words)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"


def _parts(element: FunctionElement[Any], compiler: Any, words: dict[str, Any]) -> list[str]:
    return [compiler.process(one, **words) for one in element.clauses]


def start(tx: Transaction, unit: str, instant: Any, zone: Any) -> ColumnElement[datetime]:
    """The instant at which the local "day" or "week" (from Monday) began."""
    if tx.is_postgresql:
        local = func.date_trunc(unit, func.timezone(zone, instant))
        return func.timezone(zone, local, type_=Instant)
    return func.ppm_start(unit, literal(instant, Instant), zone, type_=Instant)


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
