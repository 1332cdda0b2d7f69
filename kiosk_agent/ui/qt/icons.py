"""The icons of the states, drawn with lines: one shape per state, so that none is told by its colour alone."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SHAPES = {
    "circle-check": '<circle cx="12" cy="12" r="10"/><path d="M7.5 12.5l3 3 6-6.5"/>',
    "clock": '<circle cx="12" cy="12" r="10"/><path d="M12 6v6l4 2.5"/>',
    "hourglass": '<path d="M6 2h12M6 22h12M7 2v4l5 6-5 6v4M17 2v4l-5 6 5 6v4"/>',
    "pause": '<circle cx="12" cy="12" r="10"/><path d="M9.5 8v8M14.5 8v8"/>',
    "broom": '<path d="M19 3l-7 8M8 10l6 5-3 6H3c2-3 3-7 5-11zM7 21l2-4M11 21l1.5-4"/>',
    "wrench": '<path d="M20.5 6.5l-3.5 3.5-3-3 3.5-3.5a6 6 0 0 0-7.5 8L3 18.5 5.5 21l7-7a6 6 0 0 0 8-7.5z"/>',
    "plug-off": '<path d="M9 2v5M15 2v5M7 7h10v4a5 5 0 0 1-10 0zM12 16v6M2.5 2.5l19 19"/>',
    "alert": '<path d="M12 3L1.8 21h20.4zM12 10v5M12 18v.2"/>',
    "person": '<circle cx="12" cy="7.5" r="4.5"/><path d="M3.5 21.5a8.5 8.5 0 0 1 17 0"/>',
    "message": '<path d="M3 4h18v13H10l-5 4v-4H3zM7 9h10M7 12.5h6"/>',
}
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{color}" '
    'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shape}</svg>'
)


def icon(name: str, color: str, size: int, ratio: float = 1.0) -> QPixmap:
    """A square picture of `size` pixels, sharp on a screen of this ratio."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    drawing = QSvgRenderer(QByteArray(_SVG.format(color=color, shape=_SHAPES[name]).encode()))
    painter = QPainter(picture)
    drawing.render(painter, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture
