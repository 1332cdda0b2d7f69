"""Qt without a screen, for the tests that only measure."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from tests.support.x import Display

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SCREENS = [
    {
        "name": name,
        "x": x,
        "y": 0,
        "width": 1366,
        "height": 768,
        "logicalDpi": 96,
        "logicalBaseDpi": 96,
        "dpr": 1,
    }
    for name, x in (("first", 0), ("second", 1366))
]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts may walk through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="ppm-window-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A screen with a window manager."""
    with Display(tmp_path_factory.mktemp("display")) as shown:
        yield shown


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QApplication]:
    """A program with two screens beside each other."""
    screens = tmp_path_factory.mktemp("screens") / "two.json"
    screens.write_text(json.dumps({"screens": SCREENS}))
    made = QApplication(["tests", "-platform", f"offscreen:configfile={screens}"])
    yield made
    for window in made.topLevelWidgets():
        window.deleteLater()
    made.processEvents()
