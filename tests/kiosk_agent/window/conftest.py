"""Qt without a screen, for the tests that only measure."""

import os
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def application() -> Iterator[QApplication]:
    existing = QApplication.instance()
    made = (
        existing if isinstance(existing, QApplication) else QApplication(["tests", "-platform", "offscreen"])
    )
    yield made
    for window in made.topLevelWidgets():
        window.deleteLater()
    made.processEvents()
