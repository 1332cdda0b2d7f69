"""A technician at the lock screen, when nobody else can be asked: Ctrl+Alt+O, the secret of this poste, and why.

The window asks as `ppm kiosk unlock` does, at the agent's own socket, and is never believed for its account.
"""

import threading
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from kiosk_agent.local.by_hand import LONGEST_REASON, SHORTEST_REASON, Answer, Unlock, ask
from kiosk_agent.ui.labels import LABELS, label
from kiosk_agent.ui.qt.look import Look
from kiosk_agent.words import Language

KEYS = "Ctrl+Alt+O"
OPEN_S = 900
LEFT_MS = 60_000
"""A page that nobody types into goes: visitors find their field again."""
_LONGEST_SECRET = 256
QWIDGETSIZE_MAX = 16_777_215
"""Qt's word for no limit."""


class Hatch(QObject):
    """Asks the agent in a thread: a secret takes it a tenth of a second, and the window is to go on answering."""

    answered = Signal(object)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def open(self, secret: str, reason: str) -> None:
        asked = Unlock(reason=reason, seconds=OPEN_S, secret=secret, at_screen=True)
        threading.Thread(target=self._ask, args=(asked,), daemon=True).start()

    def _ask(self, asked: Unlock) -> None:
        try:
            answer = ask(self._path, asked)
        except (OSError, ValueError):
            answer = Answer(refused="failed")
        self.answered.emit(answer)


class TechnicianPage(QFrame):
    """`given` carries a secret and a reason; `left` tells that the page is not wanted any more."""

    given = Signal(str, str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._language: Language = "fr"
        self.title, self.secret_label, self.reason_label, self.told = (QLabel(self) for _ in range(4))
        self.secret, self.reason = QLineEdit(self), QLineEdit(self)
        self.open, self.back = QPushButton(self), QPushButton(self)
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.secret.setMaxLength(_LONGEST_SECRET)
        self.reason.setMaxLength(LONGEST_REASON)
        self.open.setProperty("kind", "first")
        for field in (self.secret, self.reason):
            field.setProperty("kind", "field")
        for wrapped in (self.title, self.secret_label, self.reason_label, self.told):
            wrapped.setWordWrap(True)
        self.secret_label.setBuddy(self.secret)
        self.reason_label.setBuddy(self.reason)
        self._across, self._column, buttons = QHBoxLayout(self), QWidget(self), QHBoxLayout()
        self._inside = QVBoxLayout(self._column)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._across.addStretch(0)
        self._across.addWidget(self._column, 1)
        self._across.addStretch(0)
        buttons.addWidget(self.open)
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        self._inside.addStretch(1)
        for one in (self.title, self.secret_label, self.secret, self.reason_label, self.reason):
            self._inside.addWidget(one)
        self._inside.addLayout(buttons)
        self._inside.addWidget(self.told)
        self._inside.addStretch(2)
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.timeout.connect(self.left)
        self._connect()

    def _connect(self) -> None:
        self.secret.returnPressed.connect(self.reason.setFocus)
        self.reason.returnPressed.connect(self._give)
        self.open.clicked.connect(self._give)
        self.back.clicked.connect(self.left)
        for field in (self.secret, self.reason):
            field.textEdited.connect(lambda: self._leaving.start(LEFT_MS))

    def dress(self, look: Look, column: int) -> None:
        """In a column at most so wide, as the entry of a code is; large text takes all there is."""
        margin = look.px(32 if look.text == 1 else 12)
        self._across.setContentsMargins(margin, margin, margin, margin)
        self._column.setMaximumWidth(look.pt(column) if look.text == 1 else QWIDGETSIZE_MAX)
        self._inside.setSpacing(look.px(8 if look.text == 1 else 4))
        self.title.setFont(look.font(20, bold=True))
        for one in (
            self.secret_label,
            self.reason_label,
            self.told,
            self.secret,
            self.reason,
            self.open,
            self.back,
        ):
            one.setFont(look.font(16))

    def say(self, language: Language) -> None:
        self._language = language
        for widget, key in (
            (self.title, "by_hand"), (self.secret_label, "by_hand_secret"), (self.reason_label, "by_hand_reason"),
            (self.open, "by_hand_open"), (self.back, "back"),
        ):  # fmt: skip
            widget.setText(label(key, language))
        self.secret.setAccessibleName(self.secret_label.text())
        self.reason.setAccessibleName(self.reason_label.text())

    def begin(self) -> None:
        """Empty, with the keyboard in its first field."""
        self._forget()
        self._leaving.start(LEFT_MS)
        self.secret.setFocus()

    def answered(self, answer: Answer) -> None:
        """Why it did not open; when it did, the lock is about to go."""
        self.open.setEnabled(True)
        if answer.refused is not None:
            key = f"by_hand_{answer.refused}"
            self._tell(key if key in LABELS else "by_hand_failed", seconds=answer.wait_s)
            self.secret.clear()
            self.secret.setFocus()

    def _give(self) -> None:
        secret, reason = self.secret.text(), self.reason.text().strip()
        if not self.open.isEnabled():
            return
        if not secret or len(reason) < SHORTEST_REASON:
            self._tell("by_hand_incomplete")
            return
        self.open.setEnabled(False)
        self._tell("by_hand_asking")
        self.given.emit(secret, reason)

    def _tell(self, key: str, **values: object) -> None:
        self.told.setText(label(key, self._language, **values))
        self.told.setAccessibleName(self.told.text())

    def _forget(self) -> None:
        for one in (self.secret, self.reason, self.told):
            one.clear()
        self.open.setEnabled(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        self._forget()
        self._leaving.stop()
        super().hideEvent(event)
