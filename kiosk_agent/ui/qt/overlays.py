"""What lies over a visitor's work: the pill, its menu, notes that slide in, the banner of the grace.

Nothing here takes the keyboard by itself: the window manager does not know these windows, so that a warning
never steals a keystroke. Only the menu, which the visitor opened, has the focus.
"""

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QCloseEvent, QCursor, QKeyEvent, QMouseEvent, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from kiosk_agent.ui.labels import label
from kiosk_agent.ui.qt.icons import icon
from kiosk_agent.ui.qt.lock import press_focused
from kiosk_agent.ui.qt.look import Look
from kiosk_agent.ui.screen import InUse, Menu, Note

_FLAGS = (
    Qt.WindowType.Tool
    | Qt.WindowType.FramelessWindowHint
    | Qt.WindowType.WindowStaysOnTopHint
    | Qt.WindowType.BypassWindowManagerHint
)
_QUIET = _FLAGS | Qt.WindowType.WindowDoesNotAcceptFocus
_EDGE = 16


class Overlay(QFrame):
    """A small window over everything, with round corners, that takes no focus unless it is made to."""

    def __init__(self, flags: Qt.WindowType = _QUIET) -> None:
        super().__init__(None, flags)
        self.setProperty("kind", "card")
        self.setWindowTitle(f"ppm-{type(self).__name__.lower()}")
        if flags is _QUIET:
            self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.look = Look()

    def _dress(self, sheet: str) -> None:
        """Qt works as much for a style that it has already as for a new one."""
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        path = QPainterPath()
        radius = self.look.px(8)
        path.addRoundedRect(self.rect().toRectF(), radius, radius)
        self.setMask(QRegion(path.toFillPolygon().toPolygon()))
        super().resizeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()


class Pill(Overlay):
    """The time left. It is moved by dragging and opens by a click."""

    pressed = Signal()
    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.icon, self.time = QLabel(self), QLabel(self)
        inside = QHBoxLayout(self)
        inside.addWidget(self.icon)
        inside.addWidget(self.time)
        self.moved_to: QPoint | None = None
        self._grip: QPoint | None = None
        self._dragged = False

    def draw(self, use: InUse, look: Look, place: QRect) -> None:
        self.look = look
        color = look.tone(use.tone)
        self._dress(look.sheet() + look.filled(color, f"{look.px(1)}px solid {look.on_tone()}"))
        self.time.setFont(look.font(20, bold=True))
        self.time.setText(use.time)
        self.time.setVisible(not use.collapsed)
        self.icon.setPixmap(icon(use.icon, look.on_tone(), look.pt(20), self.devicePixelRatioF()))
        self.setAccessibleName(use.spoken)
        self.setToolTip(label("menu", use.language))
        inside = self.layout()
        assert inside is not None
        inside.setContentsMargins(look.px(12), look.px(6), look.px(12), look.px(6))
        self.resize(self.sizeHint())
        if self._grip is None:
            self.move(self._corner(look, place))

    def _corner(self, look: Look, place: QRect) -> QPoint:
        """Where the visitor put it, inside the screen; else a corner where the pointer is not."""
        edge = look.px(_EDGE)
        top = place.top() + edge
        right = QPoint(place.right() - edge - self.width(), top)
        if self.moved_to is not None:
            return _inside(self.moved_to, self.size().width(), self.height(), place)
        if not self.isVisible() and QRect(right, self.size()).contains(QCursor.pos()):
            self.moved_to = QPoint(place.left() + edge, top)
            return self.moved_to
        return right

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._grip, self._dragged = event.globalPosition().toPoint() - self.pos(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._grip is None:
            return
        wanted = event.globalPosition().toPoint() - self._grip
        if self._dragged or (wanted - self.pos()).manhattanLength() > 8:
            self._dragged, self.moved_to = True, wanted
            self.move(wanted)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        self._grip = None
        (self.dropped if self._dragged else self.pressed).emit()


class MenuWindow(Overlay):
    """What the pill opens to. Escape closes it."""

    asked = Signal()
    size_pressed = Signal()
    end_pressed = Signal()
    confirmed = Signal()
    kept = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__(_FLAGS)
        self.title, self.until, self.line, self.sure = (QLabel(self) for _ in range(4))
        self.ask, self.end, self.yes, self.no, self.shrink, self.back = (QPushButton(self) for _ in range(6))
        for wrapped in (self.line, self.sure):
            wrapped.setWordWrap(True)
        self._asking = False
        self.ask.setProperty("kind", "first")
        self.end.setProperty("kind", "danger")
        self.yes.setProperty("kind", "danger")
        inside = QVBoxLayout(self)
        for one in (
            self.title, self.until, self.line, self.ask, self.end, self.sure, self.yes, self.no, self.shrink,
            self.back,
        ):  # fmt: skip
            inside.addWidget(one)
        for button, signal in (
            (self.ask, self.asked), (self.end, self.end_pressed), (self.yes, self.confirmed),
            (self.no, self.kept), (self.shrink, self.size_pressed), (self.back, self.closed),
        ):  # fmt: skip
            button.clicked.connect(signal)

    def draw(self, use: InUse, menu: Menu, look: Look) -> None:
        self.look = look
        self._dress(look.sheet())
        for widget, text, size in (
            (self.title, menu.title, 20), (self.until, menu.until, 16), (self.ask, menu.ask, 16),
            (self.end, menu.end, 16), (self.sure, menu.sure, 16), (self.yes, menu.yes, 16),
            (self.no, menu.no, 16), (self.line, menu.line, 16), (self.shrink, menu.size, 16),
            (self.back, label("back", use.language), 16),
        ):  # fmt: skip
            widget.setFont(look.font(size, bold=size == 20))
            widget.setText(text)
        self.ask.setEnabled(menu.may_ask)
        for one in (self.sure, self.yes, self.no):
            one.setVisible(bool(menu.sure))
        for one in (self.ask, self.end, self.shrink, self.back):
            one.setVisible(not menu.sure)
        self.line.setVisible(bool(menu.line) and not menu.sure)
        if bool(menu.sure) != self._asking:
            self._asking = bool(menu.sure)
            (self.no if self._asking else self.end).setFocus()
        inside = self.layout()
        assert inside is not None
        inside.setSpacing(look.px(8))
        self.setFixedWidth(look.pt(300))
        wraps = menu.sure or menu.line
        self.setFixedHeight(inside.totalHeightForWidth(look.pt(300)) if wraps else self.sizeHint().height())
        self._place_focus()

    def beside(self, pill: QRect, place: QRect) -> None:
        """Under the pill, or over it where there is no room."""
        below = pill.bottom() + self.look.px(8)
        top = (
            below if below + self.height() <= place.bottom() else pill.top() - self.look.px(8) - self.height()
        )
        self.move(_inside(QPoint(pill.right() - self.width(), top), self.width(), self.height(), place))

    def _place_focus(self) -> None:
        able = [one for one in (self.no, self.ask, self.end) if one.isVisibleTo(self) and one.isEnabled()]
        if self.focusWidget() not in (*able, self.yes, self.shrink, self.back):
            able[0].setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        press_focused(self, event)
        event.accept()


class NoteWindow(Overlay):
    """A note, as wide as it must be. One that stays has a button."""

    read = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.icon, self.title, self.text = QLabel(self), QLabel(self), QLabel(self)
        self.done = QPushButton(self)
        self.done.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.done.clicked.connect(self.read)
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        across, down = QHBoxLayout(self), QVBoxLayout()
        across.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        down.addWidget(self.title)
        down.addWidget(self.text)
        down.addWidget(self.done, 0, Qt.AlignmentFlag.AlignRight)
        across.addLayout(down, 1)

    def draw(self, use: InUse, note: Note, look: Look, place: QRect, top: int) -> int:
        """Show it from `top` on; where the next may begin."""
        self.look = look
        color = look.tone(note.tone)
        self._dress(look.sheet())
        for widget, text, size in (
            (self.title, note.title, 16), (self.text, note.text, 20), (self.done, label("read", use.language), 16),
        ):  # fmt: skip
            widget.setFont(look.font(size, bold=widget is self.title))
            widget.setText(text)
        self.title.setVisible(bool(note.title))
        self.done.setVisible(note.stays)
        self.icon.setPixmap(icon(note.icon, color, look.pt(26), self.devicePixelRatioF()))
        self.setAccessibleName(note.text)
        width = min(look.pt(520), place.width() - 2 * look.px(_EDGE))
        inside = self.layout()
        assert inside is not None
        self.setFixedSize(width, inside.totalHeightForWidth(width))
        self.move(place.center().x() - width // 2, top)
        return top + self.height() + look.px(8)


class Banner(Overlay):
    """The grace: over the full width, and the screen under it stays usable."""

    def __init__(self) -> None:
        super().__init__()
        self.icon, self.text = QLabel(self), QLabel(self)
        self.text.setWordWrap(True)
        inside = QHBoxLayout(self)
        inside.addWidget(self.icon)
        inside.addWidget(self.text, 1)

    def draw(self, use: InUse, look: Look, place: QRect) -> int:
        """Show it at the top of this screen; where the next may begin."""
        self.look = look
        color = look.tone("soon")
        self._dress(look.sheet() + look.filled(color, "none; border-radius: 0"))
        self.text.setFont(look.font(28, bold=True))
        self.text.setText(use.banner)
        self.text.setAccessibleName(use.banner)
        self.icon.setPixmap(icon("hourglass", look.on_tone(), look.pt(32), self.devicePixelRatioF()))
        inside = self.layout()
        assert inside is not None
        inside.setContentsMargins(look.px(24), look.px(8), look.px(24), look.px(8))
        self.setFixedSize(place.width(), inside.totalHeightForWidth(place.width()))
        self.move(place.topLeft())
        return place.top() + self.height() + look.px(8)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        self.clearMask()
        QFrame.resizeEvent(self, event)


class Shout(Overlay):
    """Which poste this is, large."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel(self)
        QVBoxLayout(self).addWidget(self.text)

    def draw(self, words: str, look: Look, place: QRect) -> None:
        self.look = look
        self._dress(look.sheet())
        self.text.setFont(look.font(44, bold=True))
        self.text.setText(words)
        self.resize(self.sizeHint())
        self.move(place.center() - self.rect().center())


def _inside(wanted: QPoint, width: int, height: int, place: QRect) -> QPoint:
    return QPoint(
        max(place.left(), min(wanted.x(), place.right() - width)),
        max(place.top(), min(wanted.y(), place.bottom() - height)),
    )
