"""What a screen reader is told without being asked: nothing of ours takes the focus, so it would not find it."""

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget


def announce(window: QWidget, text: str) -> None:
    """Have this said by the screen reader, if one listens."""
    if text:
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(window, text))
