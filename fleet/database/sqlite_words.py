"""What SQLite is taught for what PostgreSQL knows: time zones, and letters without their accents."""

import sqlite3
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fleet.domain.utilisateur import searchable


def register(connection: sqlite3.Connection) -> None:
    """Teach it to one connection."""
    connection.create_function("ppm_local", 2, _local, deterministic=True)
    connection.create_function("ppm_folded", 1, searchable, deterministic=True)


def _local(instant: str | None, zone: str) -> str | None:
    if instant is None:
        return None
    return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).isoformat(" ")
