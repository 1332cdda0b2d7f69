"""Programs of a visitor, for the screen that nobody sees: `editor` notes what is typed, `rival` covers all."""

import sys
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget


def main(kind: str, notes: Path) -> int:
    application = QApplication([kind])
    windows = editor(notes) if kind == "editor" else rival()
    for one in windows:
        one.show()
    QTimer.singleShot(200, lambda: notes.write_text(notes.read_text() if notes.exists() else ""))
    return application.exec()


def editor(notes: Path) -> list[QWidget]:
    line = QLineEdit()
    line.setWindowTitle("editor")
    line.resize(500, 60)
    line.textChanged.connect(lambda text: notes.write_text(text))
    QTimer.singleShot(100, line.activateWindow)
    return [line]


def rival() -> list[QWidget]:
    """A full-screen window that the manager knows, and one that it does not know."""
    known, unknown = QWidget(), QWidget(None, Qt.WindowType.BypassWindowManagerHint)
    for one in (known, unknown):
        one.setWindowTitle("rival")
        one.setStyleSheet("background: red")
    known.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
    known.setWindowState(Qt.WindowState.WindowFullScreen)
    unknown.setGeometry(300, 200, 700, 400)
    QTimer.singleShot(150, unknown.raise_)
    return [known, unknown]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
