"""Six boxes that are one input: for eyes two groups of three, for a keyboard and a screen reader one line."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QInputDevice, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from kiosk_agent.ui.qt.look import Look

LENGTH = 6
_LONGEST_PASTE = 64
_BOX = (52, 68)
_GAP, _MIDDLE = 8, 24
_TEXT = 44


def cleaned(text: str) -> str:
    """What was typed or pasted, as a code: letters and digits, in capitals, no spaces or dashes."""
    return "".join(one for one in text.upper() if one.isascii() and one.isalnum())[:LENGTH]


class CodeField(QLineEdit):
    """Takes any case, spaces and dashes. `edited` tells that the visitor changed something.

    `touched`: a finger asks for keys.
    """

    edited = Signal()
    touched = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = Look()
        self.setMaxLength(_LONGEST_PASTE)
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhUppercaseOnly
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhSensitiveData
        )
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setDragEnabled(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.textEdited.connect(self._tidy)

    def dress(self, look: Look) -> None:
        self._look = look
        self.setFixedSize(self.sizeHint())
        self.update()

    def add(self, text: str) -> None:
        """As if it were typed, by the keypad."""
        self.setText(cleaned(self.text() + text))
        self.edited.emit()

    def erase(self) -> None:
        self.setText(self.text()[:-1])
        self.edited.emit()

    def _tidy(self, text: str) -> None:
        if (tidy := cleaned(text)) != text:
            self.setText(tidy)
        self.edited.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mousePressEvent(event)
        if event.device().type() == QInputDevice.DeviceType.TouchScreen:
            self.touched.emit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        look = self._look
        width, height = (look.pt(side) for side in _BOX)
        return QSize(6 * width + 4 * look.px(_GAP) + look.px(_MIDDLE) + 8, height + 8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._look.font(20, bold=True)
        font.setPixelSize(self._look.pt(_TEXT))
        painter.setFont(font)
        for number in range(LENGTH):
            self._box(painter, number)
        painter.end()

    def _box(self, painter: QPainter, number: int) -> None:
        look, text = self._look, self.text()
        width, height = (look.pt(side) for side in _BOX)
        gaps = number * look.px(_GAP) + (look.px(_MIDDLE) - look.px(_GAP) if number > 2 else 0)
        box = QRectF(4 + number * width + gaps, 4, width, height)
        here = self.window().focusWidget() is self and number == min(len(text), LENGTH - 1)
        selected = self.hasSelectedText() and number < len(text)
        pen = QPen(QColor(look.accent if here else look.edge), look.px(3 if here else 1.5))
        painter.setPen(pen)
        painter.setBrush(QColor(look.accent if selected else look.surface))
        painter.drawRoundedRect(box, look.px(8), look.px(8))
        if number < len(text):
            painter.setPen(QColor(look.on_accent if selected else look.ink))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text[number])
        elif here:
            foot = box.bottom() - look.px(12)
            painter.drawLine(QPointF(box.left() + width / 4, foot), QPointF(box.right() - width / 4, foot))
