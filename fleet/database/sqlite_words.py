"""What SQLite is taught for what PostgreSQL knows: time zones, and letters without their accents."""

import sqlite3
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fleet.domain.utilisateur import searchable


def register(connection: sqlite3.Connection) -> None:
    """Teach it to one connection."""
    connection.create_function("ppm_local", 2, _local, deterministic=True)
    connection.create_function("ppm_start", 3, _start, deterministic=True)
    connection.create_function("ppm_folded", 1, searchable, deterministic=True)


def _local(instant: str | None, zone: str) -> str | None:
    if instant is None:
        return None
    return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).isoformat(" ")


def _start(unit: str, instant: str, zone: str) -> str:
    local = datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    first = local.date() - timedelta(days=local.weekday() if unit == "week" else 0)
    began = datetime.combine(first, time(), ZoneInfo(zone)).astimezone(UTC)
    return began.strftime(_STORED)


_STORED = "%Y-%m-%d %H:%M:%S.%f"
"""How an instant is kept in SQLite: compared as text."""
