"""Databases for tests."""

from fleet.database import schema
from fleet.database.engine import Database


def migrate(url: str) -> None:
    """Make the schema of this version."""
    database = Database(url, pool_size=1)
    schema.upgrade(database)
    database.close()
