"""A room of three postes, on each database."""

import pytest

from fleet.database.engine import Database
from tests.support.rooms import Room, make_room


@pytest.fixture
def room(database: Database) -> Room:
    """A site that is always open, with three postes that are there; on each database."""
    return make_room(database)
