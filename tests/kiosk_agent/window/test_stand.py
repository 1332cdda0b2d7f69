"""The window on a machine with two screens: locked on both, free on both, and asking what was pressed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import delete, isValid

from kiosk_agent.clock import BootClock
from kiosk_agent.local.messages import Asked, AskTime, End, Shown, Told, Touch, TypeCode, Unfit, Word
from kiosk_agent.ui.face import Said
from kiosk_agent.ui.qt.by_hand import Hatch
from kiosk_agent.ui.qt.link import Link
from kiosk_agent.ui.qt.stand import GRAB_TICKS, Stand
from kiosk_agent.ui.scene import Scene
from tests.support.gallery import FREE, LENT

BOTH = [QRect(0, 0, 1366, 768), QRect(1366, 0, 1366, 768)]


class Wire(Link):
    """A link that is held in the hand."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.asked: list[Asked] = []

    def start(self) -> None: ...

    def ask(self, line: Asked) -> None:
        self.asked.append(line)

    def say(self, word: Word) -> None:
        self._take(word)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@contextmanager
def standing(application: QApplication, wire: Wire, hatch: Hatch | None = None) -> Iterator[Stand]:
    """One that is gone with all its windows at the end: another would see to a screen that goes as well."""
    made = Stand(wire, Scene(), hatch=hatch)
    made.start()
    try:
        yield made
    finally:
        for one in (made._timer, made, *application.topLevelWidgets()):
            if isValid(one):
                delete(one)


@pytest.fixture
def stand(application: QApplication, wire: Wire) -> Iterator[Stand]:
    with standing(application, wire) as made:
        yield made


def full(application: QApplication) -> list[QRect]:
    """The screens that are covered wholly."""
    shown: list[QWidget] = [one for one in application.topLevelWidgets() if one.isVisible()]
    return sorted((one.geometry() for one in shown if one.geometry() in BOTH), key=QRect.x)


def lent() -> Shown:
    now = BootClock().now()
    return Shown(view=replace(LENT, deadline=now + 2_520_000, end=now + 2_580_000))


def test_every_screen_is_locked_before_the_agent_said_a_word(stand: Stand, application: QApplication) -> None:
    assert full(application) == BOTH
    assert not stand.lock.field.isVisible()


def test_every_screen_is_free_while_the_machine_is_lent_and_locked_after(
    stand: Stand, wire: Wire, application: QApplication
) -> None:
    wire.say(lent())
    assert full(application) == []
    assert stand.over.pill.isVisible()
    wire.say(Shown(view=FREE))
    assert full(application) == BOTH
    assert not stand.over.pill.isVisible()


def test_every_screen_is_locked_when_the_agent_is_lost(
    stand: Stand, wire: Wire, application: QApplication
) -> None:
    wire.say(lent())
    wire.lost.emit()
    assert full(application) == BOTH


def test_a_screen_that_comes_or_goes_is_seen_to(stand: Stand, application: QApplication) -> None:
    before = stand.lock
    application.screenRemoved.emit(application.screens()[1])
    assert stand.lock is not before
    assert full(application) == BOTH


def test_a_moment_without_any_screen_is_no_failure(
    stand: Stand, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unplugged:
        unplugged.setattr("kiosk_agent.ui.qt.stand.QGuiApplication.primaryScreen", lambda: None)
        wire.say(lent())
        stand._tick()
    stand._tick()
    assert stand.over.pill.isVisible()


def test_what_is_pressed_is_asked(stand: Stand, wire: Wire) -> None:
    wire.say(Shown(view=FREE))
    QTest.keyClicks(stand.lock.field, "k7m q2r")
    QTest.keyClick(stand.lock.field, Qt.Key.Key_Return)
    wire.say(lent())
    over = stand.over
    over.pill.pressed.emit()
    over.menu.ask.click()
    assert not over.menu.isVisible(), "it leaves, and the answer comes as a note"
    over.pill.pressed.emit()
    over.menu.end.click()
    assert wire.asked == [TypeCode(code="K7MQ2R"), AskTime()]
    over.menu.yes.click()
    assert wire.asked[-1] == End()


def test_a_message_of_the_desk_is_shown_until_it_was_read(stand: Stand, wire: Wire) -> None:
    wire.say(lent())
    wire.say(Told(said=Said("Bonjour", "Hello", by_desk=True)))
    note = next(one for one in stand.over.notes if one.text.text() == "Bonjour")
    assert note.isVisible()
    note.done.click()
    assert not any(one.isVisible() and one.text.text() == "Bonjour" for one in stand.over.notes)


def test_a_window_that_is_not_wanted_is_told_so_by_its_agent_alone(wire: Wire) -> None:
    heard: list[object] = []
    wire.unfit.connect(lambda: heard.append("unfit"))
    wire.heard.connect(heard.append)
    wire.say(Unfit())
    assert heard == ["unfit"]


def test_the_grace_is_told_on_every_screen(stand: Stand, wire: Wire, application: QApplication) -> None:
    now = BootClock().now()
    wire.say(Shown(view=replace(LENT, phase="grace", deadline=now - 1, end=now + 60_000)))
    told = [stand.over.banner, *stand.over.banners]
    assert [(one.isVisible(), one.x(), one.width()) for one in told] == [(True, 0, 1366), (True, 1366, 1366)]
    wire.say(lent())
    assert not any(one.isVisible() for one in told)


def test_the_countdown_is_made_small_from_its_menu_and_large_again(stand: Stand, wire: Wire) -> None:
    wire.say(lent())
    pill, menu = stand.over.pill, stand.over.menu
    wide = pill.width()
    for shown in (False, True):
        pill.pressed.emit()
        menu.shrink.click()
        assert not menu.isVisible()
        assert pill.time.isVisibleTo(pill) is shown
    assert pill.width() == wide
    assert "Temps restant" in pill.accessibleName()


def test_a_machine_whose_clock_is_wrong_by_hours_shows_the_servers_time(stand: Stand, wire: Wire) -> None:
    now = BootClock().now()
    there = datetime.now().astimezone() + timedelta(hours=5)
    wire.say(Shown(view=replace(FREE, server_ms=round(there.timestamp() * 1000) - now)))
    minute = timedelta(minutes=1)
    assert stand.lock.clock.text() in {f"{one:%H:%M}" for one in (there - minute, there, there + minute)}


def test_what_is_new_on_the_screen_is_told_to_a_screen_reader_once(
    stand: Stand, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("kiosk_agent.ui.qt.stand.announce", lambda _, text: told.append(text))
    wire.say(Shown(view=FREE))
    wire.say(Told(said=Said("Ce code a déjà servi.", "This code was used already.", "code_deja_utilise")))
    for _ in range(5):
        stand._tick()
    assert told == ["Tapez votre code.", "Ce code a déjà servi."]


@pytest.mark.parametrize(("idle_ms", "touched"), [(0, True), (990, True), (1_500, False), (600_000, False)])
def test_a_touch_is_told_if_one_was_made_since_the_last_look(
    stand: Stand, wire: Wire, idle_ms: int, touched: bool
) -> None:
    wire.say(lent())
    stand._idle_ms = lambda: idle_ms
    stand._looked_at = BootClock().now() - 1_000
    stand._ticks = GRAB_TICKS
    stand._watch_touches()
    assert (Touch() in wire.asked) is touched


def test_where_the_system_does_not_say_a_mouse_that_moves_is_a_touch(stand: Stand, wire: Wire) -> None:
    wire.say(lent())
    stand._idle_ms = lambda: None
    QCursor.setPos(100, 100)
    stand._ticks = GRAB_TICKS
    stand._watch_touches()
    wire.asked.clear()
    stand._watch_touches()
    assert wire.asked == []
    QCursor.setPos(120, 100)
    stand._watch_touches()
    assert wire.asked == [Touch()]


@pytest.mark.parametrize("answers", [True, False])
def test_a_technician_is_offered_a_page_only_where_somebody_answers(
    application: QApplication, wire: Wire, answers: bool
) -> None:
    with standing(application, wire, Hatch(Path("nowhere")) if answers else None) as made:
        made.lock.activateWindow()
        QTest.qWaitForWindowActive(made.lock)
        control = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        QTest.keyClick(made.lock.windowHandle(), Qt.Key.Key_O, control)
        assert made.lock.technician.isVisible() is answers
