"""The window's parts put on a screen of any size, without a screen."""

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from kiosk_agent.local.by_hand import Answer
from kiosk_agent.ui.qt.lock import Cover, LockWindow
from kiosk_agent.ui.qt.over import Over
from kiosk_agent.ui.screen import Lock, Screen

_PLAIN = QRect(0, 0, 1366, 768)


@dataclass(frozen=True)
class How:
    """What a visitor did to the lock; or that it is the one of another screen."""

    keypad: bool = False
    informs: bool = False
    technician: bool = False
    other: bool = False
    logo: Path | None = None


AS_IT_IS = How()


def parts(screen: Screen, place: QRect, how: How = AS_IT_IS) -> list[QWidget]:
    """The windows that show this."""
    if isinstance(screen, Lock):
        return [_cover(screen, place) if how.other else _locked(screen, place, how)]
    over = Over()
    over.draw(screen, place)
    return [one for one in over.windows if one.isVisible()]


def _locked(screen: Lock, place: QRect, how: How) -> LockWindow:
    lock = LockWindow(how.logo)
    lock.draw(screen, place)
    lock.show()
    lock.keys.setChecked(how.keypad and screen.may_type)
    if how.informs:
        lock.info.click()
    if how.technician:
        lock.let_technician_type()
        lock.technician.answered(Answer(refused="session_here"))
    QApplication.sendPostedEvents()
    return lock


def _cover(screen: Lock, place: QRect) -> Cover:
    cover = Cover()
    cover.draw(screen, place)
    cover.show()
    QApplication.sendPostedEvents()
    return cover


def picture(screen: Screen, place: QRect = _PLAIN, how: How = AS_IT_IS) -> QPixmap:
    """What a visitor sees; over their work, a plain desktop stands for it."""
    page = QPixmap(place.size())
    page.fill(QColor("#cbd5e1"))
    painter = QPainter(page)
    for one in parts(screen, place, how):
        at = one.pos() - place.topLeft()
        painter.setClipRegion(one.mask().translated(at), Qt.ClipOperation.ReplaceClip)
        painter.setClipping(not one.mask().isEmpty())
        painter.drawPixmap(at, one.grab())
    painter.end()
    return page


def cut(window: QWidget) -> list[str]:
    """The texts of a window that do not fit into their places, measured by their fonts."""
    found = []
    for one in children(window):
        if one.isVisibleTo(window) and isinstance(one, QLabel | QPushButton) and (one.text() or _drawn(one)):
            if not _fits(one):
                found.append(f"cut: {one.text()!r} in {one.width()}x{one.height()}")
            elif not _in_its_window(one, window):
                found.append(f"outside: {one.text()!r}")
    return found + _overlaps(window)


def children(window: QWidget) -> list[QWidget]:
    """All that is in a window."""
    found: list[QWidget] = list(window.findChildren(QWidget))
    return found


def _drawn(one: QWidget) -> bool:
    return isinstance(one, QLabel) and not one.pixmap().isNull()


def _fits(one: QLabel | QPushButton) -> bool:
    if isinstance(one, QPushButton):
        needed = one.fontMetrics().horizontalAdvance(one.text())
        return one.width() >= needed + 4 and one.height() >= one.fontMetrics().height()
    if _drawn(one):
        return one.width() * 1.01 + 1 >= one.pixmap().deviceIndependentSize().width()
    if not one.wordWrap():
        return one.width() >= one.fontMetrics().horizontalAdvance(one.text()) and _high(one)
    longest = max(re.split(r"(?<=-)|\s", one.text()), key=one.fontMetrics().horizontalAdvance, default="")
    return one.width() >= one.fontMetrics().horizontalAdvance(longest) and _high(one)


def _high(one: QLabel) -> bool:
    flags = Qt.TextFlag.TextWordWrap.value if one.wordWrap() else 0
    needed = one.fontMetrics().boundingRect(QRect(0, 0, one.width(), 100_000), flags, one.text()).height()
    return one.height() >= needed - 1


def _in_its_window(one: QWidget, window: QWidget) -> bool:
    place = QRect(one.mapTo(window, QPoint(0, 0)), one.size())
    scrolled = any(type(parent).__name__ == "QScrollArea" for parent in _parents(one))
    return scrolled or window.rect().contains(place)


def _parents(one: QWidget) -> list[QWidget]:
    parent = one.parentWidget()
    return [] if parent is None else [parent, *_parents(parent)]


def _overlaps(window: QWidget) -> list[str]:
    ends = [
        one for one in children(window) if isinstance(one, QLabel | QPushButton) and one.isVisibleTo(window)
    ]
    places = [(one.text(), QRect(one.mapTo(window, QPoint(0, 0)), one.size())) for one in ends if one.text()]
    return [
        f"over each other: {text!r} and {other!r}"
        for number, (text, place) in enumerate(places)
        for other, there in places[:number]
        if place.intersects(there)
    ]
