"""Qt without a screen, for the tests that only measure."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts may walk through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="ppm-window-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


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
