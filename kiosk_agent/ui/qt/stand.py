"""The window program: it stands before the visitor on every screen, locked or over their work."""

from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QRect, QTimer
from PySide6.QtGui import QCursor, QGuiApplication, QKeySequence, QScreen, QShortcut, QWindow

from kiosk_agent.clock import BootClock
from kiosk_agent.local import messages
from kiosk_agent.ui import scene as scenes
from kiosk_agent.ui.qt.by_hand import KEYS, Hatch
from kiosk_agent.ui.qt.hot_key import hot_key
from kiosk_agent.ui.qt.last_input import idle_counter
from kiosk_agent.ui.qt.link import Link
from kiosk_agent.ui.qt.lock import Cover, LockWindow
from kiosk_agent.ui.qt.over import Over
from kiosk_agent.ui.qt.voice import announce
from kiosk_agent.ui.scene import Scene
from kiosk_agent.ui.screen import InUse, Lock, screen

TICK_MS = 250
GRAB_TICKS = 4
"""Each so many ticks it is seen to that the keyboard is ours."""
LOST_GRABS = 8
"""A window that cannot have the keyboard for so long may have been destroyed by another program: a new one."""


class Stand(QObject):
    """Puts what is to be seen on the screens, and what the visitor does into questions for the agent.

    Without a `hatch` no technician is offered what nobody would answer.
    """

    def __init__(
        self, link: Link, scene: Scene, logo: Path | None = None, hatch: Hatch | None = None
    ) -> None:
        super().__init__()
        self._hatch = hatch
        self.scene = scene
        self._link = link
        self._logo = logo
        self._clock = BootClock()
        self._ticks = self._grabs_lost = 0
        self._held = False
        self._alert = ""
        self._pointer, self._looked_at = QPoint(), self._clock.now()
        self._idle_ms, self._key = idle_counter(), hot_key()
        self._covers: list[Cover] = []
        self._make_lock()
        self.over = Over()
        self._connect()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Locked from the first moment on, whatever the agent will say."""
        self.show()
        self._link.start()
        self._timer.start(TICK_MS)

    def _connect(self) -> None:
        self._link.heard.connect(lambda word: self._become(scenes.heard(self.scene, word, self._now())))
        self._link.lost.connect(lambda: self._become(scenes.lost(self.scene)))
        if self._hatch is not None:
            self._hatch.answered.connect(lambda answer: self.lock.technician.answered(answer))
        self.over.pill.pressed.connect(lambda: self._toggle("menu"))
        self.over.menu.closed.connect(lambda: self._toggle("menu"))
        self.over.menu.asked.connect(lambda: self._ask(messages.AskTime()))
        self.over.menu.size_pressed.connect(lambda: self._toggle("collapsed"))
        self.over.menu.end_pressed.connect(lambda: self._become(scenes.wants_to_end(self.scene)))
        self.over.menu.kept.connect(lambda: self._become(scenes.wants_to_end(self.scene, sure=False)))
        self.over.menu.confirmed.connect(lambda: self._ask(messages.End()))
        for note in self.over.notes:
            note.read.connect(lambda: self._become(scenes.read(self.scene)))
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenAdded.connect(self._remake)
        application.screenRemoved.connect(self._remake)

    def _make_lock(self) -> None:
        self.lock = LockWindow(self._logo)
        self.lock.sent.connect(lambda code: self._ask(messages.TypeCode(code=code)))
        self.lock.edited.connect(lambda: self._become(scenes.typed(self.scene)))
        self.lock.language_pressed.connect(lambda: self._become(scenes.other_language(self.scene)))
        self.lock.toggle_pressed.connect(self._toggle)
        if self._hatch is not None:
            self.lock.technician.given.connect(self._hatch.open)
            QShortcut(QKeySequence(KEYS), self.lock).activated.connect(self.lock.let_technician_type)

    def _remake(self) -> None:
        """Other screens, or a window that another program destroyed: stand there anew."""
        for old in (self.lock, *self._covers):
            old.hide()
            old.deleteLater()
        self._covers, self._grabs_lost, self._held = [], 0, False
        self._make_lock()
        self.show()

    # -------------------------------------------------------------- what happens

    def _now(self) -> int:
        return self._clock.now()

    def _become(self, scene: Scene) -> None:
        was_in_use, self.scene = self.scene.in_use, scene
        if was_in_use and not scene.in_use:
            self.lock.forget()
            self.over.forget()
        self.show()

    def _ask(self, line: messages.Asked) -> None:
        self._link.ask(line)
        if isinstance(line, messages.AskTime):
            self._toggle("menu")

    def _toggle(self, what: str) -> None:
        self._become(scenes.toggled(self.scene, what))

    def _tick(self) -> None:
        self._ticks += 1
        pressed = self._key is not None and self._key()
        if pressed and self.scene.in_use:
            self._toggle("menu")
        self.scene = scenes.passed(self.scene, self._now())
        self.show()
        if self.scene.in_use:
            self._watch_touches()
        else:
            self._hold()

    def _watch_touches(self) -> None:
        """Was anything touched since we last looked, in whatever program?"""
        if self._ticks % GRAB_TICKS:
            return
        now, idle_ms = self._now(), self._idle_ms()
        moved, self._pointer = QCursor.pos() != self._pointer, QCursor.pos()
        if moved if idle_ms is None else idle_ms <= now - self._looked_at:
            self._link.ask(messages.Touch())
        self._looked_at = now

    # -------------------------------------------------------------- the screens

    def show(self) -> None:
        """Draw what is to be seen now. Between two screens, as a cable is changed, there is none to draw on."""
        if not _screens():
            return
        now = self._now()
        seen = screen(self.scene, now, self._wall(now))
        if seen.alert != self._alert:
            self._alert = seen.alert
            announce(self.lock if isinstance(seen, Lock) else self.over.pill, seen.alert)
        if isinstance(seen, Lock):
            self._show_lock(seen)
        else:
            self._show_in_use(seen)

    def _wall(self, now: int) -> datetime:
        """What the clock on the wall shows: by the server's, for this machine's own may be wrong by hours."""
        view = self.scene.view
        if view is None or view.server_ms is None:
            return datetime.now().astimezone()
        return datetime.fromtimestamp((view.server_ms + now) / 1000, UTC).astimezone()

    def _show_lock(self, lock: Lock) -> None:
        first, *others = _screens()
        while len(self._covers) < len(others):
            self._covers.append(Cover())
        self.lock.draw(lock, first)
        for cover, place in zip(self._covers, others, strict=False):
            cover.draw(lock, place)
            cover.show()
        if not self.lock.isVisible():
            self.lock.show()
            self._hold()
        self.over.hide()

    def _show_in_use(self, use: InUse) -> None:
        self._release()
        first, *others = _screens()
        self.over.draw(use, first, tuple(others), lift=self._ticks % GRAB_TICKS == 0)

    # -------------------------------------------------------------- holding the lock

    def _hold(self) -> None:
        """On top, where it belongs, with the keyboard; made again if another program took it away."""
        for one in (*self._covers, self.lock):
            one.raise_()
        if self._held and self._ticks % GRAB_TICKS:
            return
        self._held = self._grab()
        self._grabs_lost = 0 if self._held else self._grabs_lost + 1
        if not self.lock.isActiveWindow():
            self.lock.activateWindow()
        if self._grabs_lost >= LOST_GRABS and QGuiApplication.platformName() == "xcb":
            self._remake()

    def _grab(self) -> bool:
        handle: QWindow | None = self.lock.windowHandle()
        if handle is None or not handle.setKeyboardGrabEnabled(True):
            return False
        return handle.isExposed()

    def _release(self) -> None:
        if not self.lock.isVisible():
            return
        self._held = False
        self.lock.windowHandle().setKeyboardGrabEnabled(False)
        for one in (self.lock, *self._covers):
            one.hide()


def _screens() -> list[QRect]:
    """Where each screen is, the first one first."""
    first: QScreen | None = QGuiApplication.primaryScreen()
    if first is None:
        return []
    others = [one for one in QGuiApplication.screens() if one is not first]
    return [first.geometry(), *(one.geometry() for one in others if one.geometry() != first.geometry())]
