"""A real account, and a place of its own for each test."""

import os
from collections.abc import Iterator

import pytest

from tests.support.visitor import Place, Visitor


@pytest.fixture(scope="session")
def visitor() -> Iterator[Visitor]:
    with Visitor(f"ppm-test-{os.getpid()}") as visitor:
        yield visitor


@pytest.fixture
def place(visitor: Visitor) -> Iterator[Place]:
    with Place(visitor) as place:
        yield place
