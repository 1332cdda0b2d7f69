"""The keys of a code, for fingers: the 32 symbols that a code may have."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from kiosk_agent.ui.qt.look import Look

SYMBOLS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_COLUMNS = 11


class Keypad(QWidget):
    """Says which symbol was pressed; it never takes the focus from the field."""

    pressed = Signal(str)
    erased = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self.keys = [self._key(symbol) for symbol in SYMBOLS]
        self.rub = self._key("⌫")
        for place, key in enumerate([*self.keys, self.rub]):
            grid.addWidget(key, *divmod(place, _COLUMNS))

    def _key(self, symbol: str) -> QPushButton:
        key = QPushButton(symbol, self)
        key.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        key.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        key.clicked.connect(lambda: self.erased.emit() if symbol == "⌫" else self.pressed.emit(symbol))
        return key

    def dress(self, look: Look, erase: str) -> None:
        self.rub.setAccessibleName(erase)
        layout = self.layout()
        assert layout is not None
        layout.setSpacing(look.px(6))
        for key in (*self.keys, self.rub):
            key.setFont(look.font(20, bold=True))
            key.setMinimumSize(look.pt(36), max(look.px(44), look.pt(26)))
