"""Colours, sizes and the style sheet: the tokens of the product, light or in high contrast, at any size of text."""

from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtGui import QFont

from kiosk_agent.ui.screen import Tone

FAMILIES = ["DejaVu Sans", "Noto Sans", "Segoe UI", "sans-serif"]
LARGE = 2.0
TITLE, TITLE_TEXT = 28, 1.45
TONES: dict[Tone, str] = {
    "free": "#0f766e", "use": "#1d4ed8", "pause": "#92400e", "soon": "#c2410c", "clean": "#155e75",
    "care": "#44403c", "off": "#4b5563", "alarm": "#b91c1c",
}  # fmt: skip
_DESIGNED = (1366, 768)


@dataclass(frozen=True)
class Look:
    """`base` fits the screen; `text` is what the visitor asked for on top of it."""

    base: float = 1.0
    text: float = 1.0
    contrast: bool = False

    @classmethod
    def on(cls, screen: QRect, *, large: bool, contrast: bool) -> "Look":
        base = min(screen.width() / _DESIGNED[0], screen.height() / _DESIGNED[1])
        return cls(max(1.0, round(base, 2)), LARGE if large else 1.0, contrast)

    # -------------------------------------------------------------- sizes

    def px(self, size: float) -> int:
        """Room between things, which does not grow with the text."""
        return round(size * self.base)

    def pt(self, size: float) -> int:
        """Text, in pixels, and what is drawn as large as text."""
        return round(size * self.base * self.text)

    def font(self, size: float, *, bold: bool = False) -> QFont:
        """What is large already need not grow as much as what is read."""
        font = QFont(FAMILIES)
        font.setPixelSize(
            self.pt(size) if size < TITLE else round(size * self.base * min(self.text, TITLE_TEXT))
        )
        font.setBold(bold)
        return font

    # -------------------------------------------------------------- colours

    @property
    def ground(self) -> str:
        return "#000000" if self.contrast else "#f8fafc"

    @property
    def surface(self) -> str:
        return "#000000" if self.contrast else "#ffffff"

    @property
    def ink(self) -> str:
        return "#ffffff" if self.contrast else "#0f172a"

    @property
    def quiet(self) -> str:
        return "#ffffff" if self.contrast else "#475569"

    @property
    def edge(self) -> str:
        return "#ffffff" if self.contrast else "#94a3b8"

    @property
    def accent(self) -> str:
        return "#ffe600" if self.contrast else "#1d4ed8"

    @property
    def on_accent(self) -> str:
        return "#000000" if self.contrast else "#ffffff"

    def tone(self, tone: Tone) -> str:
        return "#ffe600" if self.contrast else TONES[tone]

    def on_tone(self) -> str:
        return "#000000" if self.contrast else "#ffffff"

    # -------------------------------------------------------------- style

    def filled(self, color: str, border: str) -> str:
        """The style of a surface in one colour."""
        card = f"QFrame[kind='card'] {{ background: {color}; border: {border} }}"
        return f"QLabel {{ color: {self.on_tone()} }} {card}"

    def sheet(self) -> str:
        """The style of buttons, labels and surfaces."""
        radius, line = self.px(8), max(1, self.px(1))
        danger = "#ffe600" if self.contrast else TONES["alarm"]
        return f"""
        QWidget#ground {{ background: {self.ground}; }}
        QLabel {{ color: {self.ink}; background: transparent; }}
        QLabel[quiet="true"] {{ color: {self.quiet}; }}
        QPushButton {{
            color: {self.ink}; background: {self.surface}; border: {line}px solid {self.edge};
            border-radius: {radius}px; padding: {self.px(6)}px {self.px(12)}px;
        }}
        QPushButton:hover {{ border-color: {self.accent}; }}
        QPushButton:pressed, QPushButton:checked {{ background: {self.ink}; color: {self.surface}; }}
        QPushButton:focus {{ border: {3 * line}px solid {self.accent}; padding: {self.px(6) - 2 * line}px; }}
        QPushButton:disabled {{ color: {self.quiet}; border-style: dashed; }}
        QPushButton[kind="first"] {{
            color: {self.on_accent}; background: {self.accent}; border-color: {self.accent};
        }}
        QPushButton[kind="first"]:focus {{ border-color: {self.ink}; }}
        QPushButton[kind="first"]:disabled {{
            color: {self.quiet}; background: {self.surface}; border-color: {self.edge};
        }}
        QLineEdit[kind="field"] {{
            color: {self.ink}; background: {self.surface}; border: {line}px solid {self.edge};
            border-radius: {radius}px; padding: {self.px(4)}px {self.px(8)}px;
        }}
        QLineEdit[kind="field"]:focus {{
            border: {3 * line}px solid {self.accent}; padding: {self.px(4) - 2 * line}px {self.px(8) - 2 * line}px;
        }}
        QPushButton[kind="danger"] {{ color: {danger}; border-color: {danger}; }}
        QFrame[kind="card"] {{
            background: {self.surface}; border: {line}px solid {self.edge}; border-radius: {radius}px;
        }}
        QScrollArea, QScrollArea > QWidget > QWidget {{ background: {self.surface}; border: none; }}
        """
