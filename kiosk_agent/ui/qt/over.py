"""Everything that lies over a visitor's work, put in its places."""

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from kiosk_agent.ui.qt.look import Look
from kiosk_agent.ui.qt.overlays import Banner, MenuWindow, NoteWindow, Overlay, Pill, Shout
from kiosk_agent.ui.screen import InUse

MOST_NOTES = 2


class Over:
    """The pill, its menu, the banner and the notes. `draw` shows what there is, `hide` all away."""

    def __init__(self) -> None:
        self.pill, self.menu, self.banner, self.shout = Pill(), MenuWindow(), Banner(), Shout()
        self.banners: list[Banner] = []
        self.notes = [NoteWindow() for _ in range(MOST_NOTES)]
        self._drawn: tuple[InUse, QRect, tuple[QRect, ...]] | None = None
        self.pill.dropped.connect(self._settle)

    @property
    def windows(self) -> list[Overlay]:
        return [self.banner, *self.banners, self.pill, self.menu, self.shout, *self.notes]

    def hide(self) -> None:
        self._drawn = None
        for one in self.windows:
            one.hide()

    def forget(self) -> None:
        """The next visitor finds the pill where it belongs."""
        self.pill.moved_to = None

    def draw(self, use: InUse, place: QRect, others: tuple[QRect, ...] = (), *, lift: bool = False) -> None:
        """Show this on this screen, the banner on the others too; `lift` puts it above what has come over it."""
        if (use, place, others) == self._drawn:
            if lift:
                self._lift()
            return
        self._drawn = (use, place, others)
        look = Look.on(place, large=use.large, contrast=use.contrast)
        top = place.top() + look.px(16)
        if use.banner:
            top = self.banner.draw(use, look, place)
        _put(self.banner, shown=bool(use.banner))
        self.pill.draw(use, look, QRect(place.left(), top, place.width(), place.bottom() - top))
        _put(self.pill, shown=True)
        self._draw_notes(use, look, place, top)
        self._draw_menu(use, look, place)
        self._draw_banners(use, others)
        if use.shout:
            self.shout.draw(use.shout, look, place)
        _put(self.shout, shown=bool(use.shout))

    def _settle(self) -> None:
        """The pill was dropped: put it, and its menu, where they fit."""
        if self._drawn is not None:
            drawn, self._drawn = self._drawn, None
            self.draw(*drawn)

    def _lift(self) -> None:
        for one in self.windows:
            if one.isVisible():
                one.raise_()

    def _draw_notes(self, use: InUse, look: Look, place: QRect, top: int) -> None:
        """In the middle of the top, so that they cover neither the pill nor its menu."""
        for number, window in enumerate(self.notes):
            if number < len(use.notes):
                top = window.draw(use, use.notes[number], look, place, top)
            _put(window, shown=number < len(use.notes))

    def _draw_banners(self, use: InUse, others: tuple[QRect, ...]) -> None:
        """Who looks at another screen has to save as well."""
        while len(self.banners) < len(others):
            self.banners.append(Banner())
        for number, window in enumerate(self.banners):
            shown = bool(use.banner) and number < len(others)
            if shown:
                place = others[number]
                window.draw(use, Look.on(place, large=use.large, contrast=use.contrast), place)
            _put(window, shown=shown)

    def _draw_menu(self, use: InUse, look: Look, place: QRect) -> None:
        if use.menu is None:
            self.menu.hide()
            return
        self.menu.draw(use, use.menu, look)
        self.menu.beside(self.pill.geometry(), place)
        if not self.menu.isVisible():
            self.menu.show()
            self.menu.activateWindow()
        self.menu.raise_()


def _put(window: QWidget, *, shown: bool) -> None:
    if not shown:
        window.hide()
    elif not window.isVisible():
        window.show()
        window.raise_()
