"""The lock: it fills a screen, takes a code, and says in one plain sentence how things stand."""

from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from kiosk_agent.ui.labels import label
from kiosk_agent.ui.qt.by_hand import TechnicianPage
from kiosk_agent.ui.qt.code_field import CodeField
from kiosk_agent.ui.qt.icons import icon
from kiosk_agent.ui.qt.keypad import Keypad
from kiosk_agent.ui.qt.look import Look
from kiosk_agent.ui.screen import Lock

FLAGS = (
    Qt.WindowType.Window
    | Qt.WindowType.FramelessWindowHint
    | Qt.WindowType.WindowStaysOnTopHint
    | Qt.WindowType.BypassWindowManagerHint
)
_COLUMN = 640


class LockWindow(QWidget):
    """What stands in front of a locked machine. It does not close; `sent` carries what was typed."""

    sent = Signal(str)
    edited = Signal()
    language_pressed = Signal()
    toggle_pressed = Signal(str)

    def __init__(self, logo: Path | None = None) -> None:
        super().__init__(None, FLAGS)
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Poste Public Manager")
        self._drawn: tuple[Lock, QRect] | None = None
        self._logo_file = logo
        self._compose()
        self._connect()

    # -------------------------------------------------------------- parts

    def _compose(self) -> None:
        self.site, self.clock, self.date, self.poste = (QLabel(self) for _ in range(4))
        self.logo, self.icon = QLabel(self), QLabel(self)
        self.code_label, self.sentence, self.detail, self.reason = (QLabel(self) for _ in range(4))
        self.field, self.start, self.keypad = CodeField(self), QPushButton(self), Keypad(self)
        self.language, self.contrast, self.large, self.keys, self.info = (QPushButton(self) for _ in range(5))
        self.start.setProperty("kind", "first")
        for quiet in (self.date, self.poste, self.reason):
            quiet.setProperty("quiet", True)
        for wrapped in (self.site, self.sentence, self.detail, self.reason):
            wrapped.setWordWrap(True)
        for one in (self.contrast, self.large, self.keys):
            one.setCheckable(True)
        self.keypad.hide()
        root = QVBoxLayout(self)
        root.addLayout(self._top())
        self._pages = QStackedLayout()
        self._pages.addWidget(self._middle())
        self._pages.addWidget(self._informing())
        self._pages.addWidget(self._shouting())
        self.technician = TechnicianPage(self)
        self._pages.addWidget(self.technician)
        root.addLayout(self._pages, 1)
        root.addLayout(self._bottom())

    def _top(self) -> QHBoxLayout:
        top, right = QHBoxLayout(), QVBoxLayout()
        right.addWidget(self.clock, 0, Qt.AlignmentFlag.AlignRight)
        right.addWidget(self.date, 0, Qt.AlignmentFlag.AlignRight)
        top.addWidget(self.logo)
        top.addWidget(self.site, 1)
        top.addLayout(right)
        return top

    def _middle(self) -> QWidget:
        page = QWidget(self)
        across, down = QHBoxLayout(page), QVBoxLayout()
        across.setContentsMargins(0, 0, 0, 0)
        self._column = QWidget(page)
        inside = QVBoxLayout(self._column)
        inside.setContentsMargins(0, 0, 0, 0)
        entry, state = QHBoxLayout(), QHBoxLayout()
        entry.addWidget(self.field)
        entry.addWidget(self.start)
        entry.addStretch(1)
        state.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        state.addWidget(self.sentence, 1)
        self._entry, self._state, self._inside = entry, state, inside
        inside.addWidget(self.poste)
        inside.addWidget(self.code_label)
        inside.addLayout(entry)
        inside.addLayout(state)
        for one in (self.detail, self.reason, self.keypad):
            inside.addWidget(one)
        down.addStretch(2)
        down.addWidget(self._column)
        down.addStretch(3)
        across.addStretch(1)
        across.addLayout(down)
        across.addStretch(1)
        return page

    def _informing(self) -> QWidget:
        page = QFrame(self)
        page.setProperty("kind", "card")
        inside = QVBoxLayout(page)
        self._page_inside = inside
        self.info_text, self.info_close = QLabel(page), QPushButton(page)
        self.info_text.setWordWrap(True)
        self.info_text.setTextFormat(Qt.TextFormat.PlainText)
        self.info_text.setAlignment(Qt.AlignmentFlag.AlignTop)
        area = QScrollArea(page)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        area.setWidget(self.info_text)
        inside.addWidget(area, 1)
        inside.addWidget(self.info_close, 0, Qt.AlignmentFlag.AlignRight)
        return page

    def _shouting(self) -> QWidget:
        self.shout = QLabel(self)
        self.shout.setWordWrap(True)
        self.shout.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return self.shout

    def _bottom(self) -> QHBoxLayout:
        bottom = QHBoxLayout()
        bottom.addWidget(self.language)
        bottom.addStretch(1)
        for one in (self.contrast, self.large, self.keys, self.info):
            bottom.addWidget(one)
            one.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        self._bar = bottom
        return bottom

    def _connect(self) -> None:
        self.field.returnPressed.connect(self._send)
        self.start.clicked.connect(self._send)
        self.field.edited.connect(self.edited)
        self.field.touched.connect(lambda: self.keys.setChecked(True))
        self.keypad.pressed.connect(self.field.add)
        self.keypad.erased.connect(self.field.erase)
        self.language.clicked.connect(self.language_pressed)
        self.contrast.clicked.connect(lambda: self.toggle_pressed.emit("contrast"))
        self.large.clicked.connect(lambda: self.toggle_pressed.emit("large"))
        self.keys.toggled.connect(self._show_keypad)
        self.info.clicked.connect(lambda: self._inform(shown=True))
        self.info_close.clicked.connect(lambda: self._inform(shown=False))
        self.technician.left.connect(lambda: self._go_to(0))
        order = [self.field, self.start, self.language, self.contrast, self.large, self.keys, self.info]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    # -------------------------------------------------------------- drawing

    def draw(self, lock: Lock, place: QRect) -> None:
        """Show this, on this part of the desktop."""
        if self.geometry() != place:
            self.setGeometry(place)
        if (lock, place) == self._drawn:
            return
        before, self._drawn = self._drawn, (lock, place)
        if before is None or before[1] != place or _look(before[0], place) != _look(lock, place):
            self._dress(_look(lock, place))
        self._say(lock)
        self._place_focus()

    def _dress(self, look: Look) -> None:
        self.look = look
        self.setStyleSheet(look.sheet())
        margin = look.px(32 if look.text == 1 else 16)
        root = self.layout()
        assert root is not None
        root.setContentsMargins(margin, margin * 3 // 4, margin, margin * 3 // 4)
        root.setSpacing(look.px(12 if look.text == 1 else 6))
        self._page_inside.setContentsMargins(margin, margin, margin, margin)
        for layout in (self._entry, self._state, self._inside, self._bar):
            layout.setSpacing(look.px(12 if look.text == 1 else 6))
        for widget, size, bold in (
            (self.site, 28, True), (self.clock, 28, True), (self.date, 14, False), (self.poste, 16, False),
            (self.code_label, 20, True), (self.detail, 16, True),
            (self.reason, 14, False), (self.start, 20, True), (self.shout, 44, True), (self.info_text, 20, False),
            *((one, 16, False) for one in (
                self.language, self.contrast, self.large, self.keys, self.info, self.info_close
            )),
        ):  # fmt: skip
            widget.setFont(look.font(size, bold=bold))
        self.field.dress(look)
        self.technician.dress(look, _COLUMN)
        self.start.setMinimumHeight(look.pt(68))
        wide = self.field.width() + self.start.sizeHint().width() + look.px(12)
        self._column.setFixedWidth(min(self.width() - 2 * margin, max(look.pt(_COLUMN), wide)))
        self._draw_logo(look)

    def _draw_logo(self, look: Look) -> None:
        picture = QPixmap(str(self._logo_file)) if self._logo_file else QPixmap()
        self.logo.setVisible(not picture.isNull())
        if not picture.isNull():
            side = look.px(56)
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            self.logo.setPixmap(picture.scaled(4 * side, side, keep, smooth))

    def _say(self, lock: Lock) -> None:
        look, language = self.look, lock.language
        for widget, text in (
            (self.site, lock.site), (self.clock, lock.clock), (self.date, lock.date), (self.poste, lock.poste),
            (self.sentence, lock.sentence), (self.detail, lock.detail), (self.reason, lock.reason or lock.hint),
            (self.start, lock.send), (self.shout, lock.shout), (self.info_text, lock.info),
            (self.code_label, label("code", language)), (self.language, label("other_language", language)),
            (self.contrast, label("contrast", language)), (self.large, label("large", language)),
            (self.keys, label("keypad", language)), (self.info, label("info", language)),
            (self.info_close, label("back", language)),
        ):  # fmt: skip
            widget.setText(text)
        self.detail.setVisible(bool(lock.detail))
        self.info.setVisible(bool(lock.info))
        self.contrast.setChecked(lock.contrast)
        self.large.setChecked(lock.large)
        color = look.tone(lock.tone)
        size = 20 if lock.may_type else 28
        self.sentence.setFont(look.font(size))
        self.sentence.setStyleSheet(f"color: {color}")
        self.icon.setPixmap(icon(lock.icon, color, look.pt(size * 1.3), self.devicePixelRatioF()))
        self._say_entry(lock)
        self._make_room()
        self.sentence.setAccessibleName(lock.sentence)
        self.technician.say(language)
        self._page(lock)

    def _say_entry(self, lock: Lock) -> None:
        for widget in (self.field, self.start, self.code_label, self.keys):
            widget.setVisible(lock.may_type)
        self.keypad.setVisible(lock.may_type and self.keys.isChecked())
        self.start.setEnabled(lock.may_send)
        self.field.setAccessibleName(label("code", lock.language))
        self.field.setAccessibleDescription(label("code_help", lock.language))
        self.keypad.dress(self.look, label("erase", lock.language))
        if not lock.may_type:
            self.field.clear()

    def _page(self, lock: Lock) -> None:
        if lock.shout:
            self._pages.setCurrentIndex(2)
        elif self._pages.currentIndex() == 2 or (self._pages.currentIndex() == 1 and not lock.info):
            self._pages.setCurrentIndex(0)

    # -------------------------------------------------------------- the visitor

    def _place_focus(self) -> None:
        focus: QWidget | None = self.focusWidget()
        if focus is None or not focus.isVisibleTo(self):
            (self.field if self.field.isVisibleTo(self) else self.language).setFocus()

    def _send(self) -> None:
        code = self.field.text()
        if code and self.start.isEnabled():
            self.field.clear()
            self.sent.emit(code)
        self.field.setFocus()

    def _show_keypad(self, shown: bool) -> None:
        self.keypad.setVisible(shown and self.field.isVisibleTo(self))
        self._make_room()
        self.field.setFocus()

    def _make_room(self) -> None:
        """Beside the keypad only what is needed to type a code."""
        keypad = self.keypad.isVisibleTo(self)
        for one in (self.date, self.poste):
            one.setVisible(not keypad)
        self.code_label.setVisible(not keypad and self.field.isVisibleTo(self))
        self.site.setVisible(not keypad or self.look.text == 1)
        self.reason.setVisible(bool(self.reason.text()) and not keypad)

    def _inform(self, *, shown: bool) -> None:
        self._pages.setCurrentIndex(1 if shown else 0)
        (self.info_close if shown else self.info).setFocus()

    def let_technician_type(self) -> None:
        self._pages.setCurrentIndex(3)
        self.technician.begin()

    def _go_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        self.field.setFocus()

    def forget(self) -> None:
        """The next visitor finds nothing of the last one."""
        self.field.clear()
        self.keys.setChecked(False)
        self._pages.setCurrentIndex(0)
        clipboard = QGuiApplication.clipboard()
        clipboard.clear()
        self.field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.field.clear()
            self._inform(shown=False)
            self.field.setFocus()
        press_focused(self, event)
        event.accept()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()


def press_focused(window: QWidget, event: QKeyEvent) -> None:
    """Enter presses the button that has the focus, as the space bar does."""
    focus = window.focusWidget()
    if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focus, QPushButton):
        focus.click()


class Cover(QWidget):
    """What stands on the other screens of a locked machine."""

    def __init__(self) -> None:
        super().__init__(None, FLAGS | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inside = QVBoxLayout(self)
        self.site, self.text = QLabel(self), QLabel(self)
        inside.addStretch(1)
        for one in (self.site, self.text):
            one.setWordWrap(True)
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
            inside.addWidget(one)
        inside.addStretch(1)

    def draw(self, lock: Lock, place: QRect) -> None:
        look = _look(lock, place)
        if self.geometry() != place:
            self.setGeometry(place)
        self.setStyleSheet(look.sheet())
        self.site.setFont(look.font(28, bold=True))
        self.text.setFont(look.font(20))
        self.site.setText(lock.site)
        self.text.setText(label("elsewhere", lock.language) if lock.may_type else lock.sentence)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()


def _look(lock: Lock, place: QRect) -> Look:
    return Look.on(place, large=lock.large, contrast=lock.contrast)
