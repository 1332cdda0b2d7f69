"""The window drawn without a screen: nothing is cut, everything can be reached and has a name."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from fleet.domain.reasons import REASONS
from kiosk_agent.local.by_hand import Answer
from kiosk_agent.ui.face import Said
from kiosk_agent.ui.qt.code_field import cleaned
from kiosk_agent.ui.qt.keypad import SYMBOLS
from kiosk_agent.ui.qt.lock import Cover, LockWindow
from kiosk_agent.ui.qt.look import TONES, Look
from kiosk_agent.ui.qt.over import Over
from kiosk_agent.ui.scene import Scene
from kiosk_agent.ui.screen import InUse, Lock
from kiosk_agent.words import Language
from tests.support.drawing import AS_IT_IS, How, children, cut, parts
from tests.support.gallery import ALL, BOTH, FREE, IN_USE, LENT, LOCKED, seen

SIZES = [(1024, 768), (1366, 768), (1920, 1080), (3840, 2160)]
pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(autouse=True)
def windows_go(application: QApplication) -> Iterator[None]:
    yield
    for window in application.topLevelWidgets():
        window.hide()
        window.deleteLater()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def locked(scene: Scene = LOCKED["free"]) -> LockWindow:
    shown = parts(seen(scene), QRect(0, 0, 1366, 768))[0]
    assert isinstance(shown, LockWindow)
    return shown


def lines(screen: Lock | InUse, size: tuple[int, int], how: How = AS_IT_IS) -> list[str]:
    place = QRect(0, 0, *size)
    shown = parts(screen, place, how)
    outside = [
        f"{type(one).__name__} is not on the screen" for one in shown if not place.contains(one.geometry())
    ]
    return [line for one in shown for line in cut(one)] + outside


@pytest.mark.parametrize("large", [False, True], ids=["text", "large"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_text_is_cut(language: Language, size: tuple[int, int], large: bool) -> None:
    found = {name: lines(seen(scene, language, large=large), size) for name, scene in ALL.items()}
    assert not {name: wrong for name, wrong in found.items() if wrong}


@pytest.mark.parametrize("large", [False, True], ids=["text", "large"])
@pytest.mark.parametrize("size", SIZES[:3], ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_text_is_cut_beside_the_keypad(size: tuple[int, int], large: bool) -> None:
    for name in ("free", "refused", "too-many"):
        assert lines(seen(LOCKED[name], large=large), size, How(keypad=True)) == []


@pytest.mark.parametrize("large", [False, True], ids=["text", "large"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "how",
    [How(informs=True), How(other=True), How(technician=True)],
    ids=["information", "other screen", "technician"],
)
def test_no_text_is_cut_on_the_page_of_information_and_on_other_screens(
    how: How, size: tuple[int, int], large: bool
) -> None:
    for language in BOTH:
        assert lines(seen(LOCKED["free"], language, large=large), size, how) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_of_the_desk_fits_at_the_largest_text(language: Language) -> None:
    for reason, (fr, en) in REASONS.items():
        said = Said(re.sub("{.*?}", "12", fr), re.sub("{.*?}", "12", en), reason)
        scene = Scene(view=FREE, said=said)
        assert lines(seen(scene, language, large=True), SIZES[0]) == [], reason


def test_the_picture_of_a_site_is_at_the_top_and_cuts_no_text(tmp_path: Path) -> None:
    wide = tmp_path / "logo.png"
    picture = QPixmap(2_000, 100)
    picture.fill(Qt.GlobalColor.darkGreen)
    assert picture.save(str(wide))
    for size in SIZES:
        how = How(logo=wide)
        assert lines(seen(LOCKED["free"], large=True), size, how) == []
        shown = parts(seen(LOCKED["free"]), QRect(0, 0, *size), how)[0]
        assert isinstance(shown, LockWindow)
        assert shown.logo.isVisible()
        assert 0 < shown.logo.pixmap().width() <= size[0] // 4


def test_a_picture_that_is_none_leaves_the_lock_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_text("no picture")
    shown = parts(seen(LOCKED["free"]), QRect(0, 0, 1366, 768), How(logo=tmp_path / "logo.png"))[0]
    assert isinstance(shown, LockWindow)
    assert not shown.logo.isVisible()


def test_a_cut_text_would_be_found() -> None:
    window = locked()
    window.sentence.setMaximumHeight(5)
    window.sentence.resize(window.sentence.width(), 5)
    assert any("cut" in line for line in cut(window))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("k7mq2r", "K7MQ2R"),
        (" K7M q2r ", "K7MQ2R"),
        ("k7m-q2r", "K7MQ2R"),
        ("k7mq2rzz", "K7MQ2R"),
    ],
)
def test_a_code_is_taken_as_people_type_it(typed: str, code: str) -> None:
    window = locked()
    QTest.keyClicks(window.field, typed)
    assert window.field.text() == cleaned(typed) == code


def test_what_is_no_letter_and_no_digit_is_not_taken() -> None:
    assert cleaned("é ! ٣ _") == ""


def test_a_code_can_be_pasted_with_its_spaces() -> None:
    window = locked()
    QGuiApplication.clipboard().setText(" k7m q2r\n")
    window.field.paste()
    assert cleaned(window.field.text()) == "K7MQ2R"
    sent: list[str] = []
    window.sent.connect(sent.append)
    QTest.keyClick(window.field, Qt.Key.Key_Return)
    assert sent == ["K7MQ2R"]
    assert window.field.text() == ""


def test_a_code_can_be_typed_with_fingers() -> None:
    window = locked()
    window.keys.click()
    assert window.keypad.isVisible()
    for key in window.keypad.keys[:7]:
        key.click()
    window.keypad.rub.click()
    assert window.field.text() == SYMBOLS[:5]
    assert window.field.hasFocus() or window.focusWidget() is window.field


def test_a_finger_on_the_field_brings_the_keypad_and_a_mouse_does_not() -> None:
    window = locked()
    QTest.mouseClick(window.field, Qt.MouseButton.LeftButton)
    assert not window.keypad.isVisible()
    finger = QTest.createTouchDevice()
    middle = window.field.rect().center()
    QTest.touchEvent(window.field, finger).press(0, middle, window.field).commit()
    QTest.touchEvent(window.field, finger).release(0, middle, window.field).commit()
    assert window.keypad.isVisible()
    window.forget()
    assert not window.keypad.isVisible()


def test_an_empty_code_is_not_sent_nor_one_while_waiting() -> None:
    sent: list[str] = []
    for window in (locked(), locked(LOCKED["too-many"])):
        window.sent.connect(sent.append)
        QTest.keyClick(window.field, Qt.Key.Key_Return)
        window.field.setText("K7MQ2R")
    QTest.keyClick(window.field, Qt.Key.Key_Return)
    assert sent == []
    assert window.field.text() == "K7MQ2R", "it is kept for when it may be sent"


def test_the_tab_key_walks_through_everything_and_comes_back() -> None:
    window = locked()
    window.activateWindow()
    walked = []
    for _ in range(7):
        focus = window.focusWidget()
        assert focus is not None
        walked.append(focus)
        window.focusNextChild()
    wanted = [
        window.field,
        window.start,
        window.language,
        window.contrast,
        window.large,
        window.keys,
        window.info,
    ]
    assert walked == wanted
    assert window.focusWidget() is window.field


@pytest.mark.parametrize("name", LOCKED)
def test_the_focus_is_never_lost(name: str) -> None:
    focus = locked(LOCKED[name]).focusWidget()
    assert focus is not None
    assert focus.isVisible()


@pytest.mark.parametrize("name", ALL)
def test_everything_that_can_be_pressed_or_typed_has_a_name(name: str) -> None:
    for window in parts(seen(ALL[name]), QRect(0, 0, 1366, 768)):
        for one in children(window):
            assert not isinstance(one, QPushButton) or one.text() or one.accessibleName()
        if isinstance(window, LockWindow):
            assert window.field.accessibleName() == "Votre code"
            assert window.sentence.accessibleName() == window.sentence.text()


def test_escape_empties_the_field_and_closing_does_nothing() -> None:
    window = locked()
    QTest.keyClicks(window.field, "K7M")
    QTest.keyClick(window.field, Qt.Key.Key_Escape)
    assert window.field.text() == ""
    assert not window.close()
    assert window.isVisible()
    QApplication.sendEvent(
        window, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    )
    assert window.isVisible()


def test_what_a_visitor_sees_of_the_next_is_nothing() -> None:
    window = locked()
    QTest.keyClicks(window.field, "K7M")
    QGuiApplication.clipboard().setText("a letter")
    window.forget()
    assert window.field.text() == ""
    assert QGuiApplication.clipboard().text() == ""


def test_other_screens_are_covered_and_say_where_to_type() -> None:
    cover = Cover()
    shown = seen(LOCKED["free"])
    assert isinstance(shown, Lock)
    cover.draw(shown, QRect(1366, 0, 1024, 768))
    cover.show()
    assert cover.geometry() == QRect(1366, 0, 1024, 768)
    assert "autre écran" in cover.text.text()
    assert not cover.close()


def test_warnings_and_the_pill_take_no_focus() -> None:
    over = Over()
    shown = seen(IN_USE["warning"])
    assert isinstance(shown, InUse)
    over.draw(shown, QRect(0, 0, 1366, 768))
    for window in (over.pill, over.banner, *over.notes):
        assert window.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
        assert window.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)


def test_a_pill_that_was_moved_stays_there_and_on_the_screen() -> None:
    over, place = Over(), QRect(0, 0, 1366, 768)
    shown = seen(Scene(view=LENT))
    assert isinstance(shown, InUse)
    over.draw(shown, place)
    pill = over.pill
    QTest.mousePress(pill, Qt.MouseButton.LeftButton, pos=pill.rect().center())
    QTest.mouseMove(pill, place.bottomRight() - pill.pos())
    QTest.mouseRelease(pill, Qt.MouseButton.LeftButton, pos=pill.rect().center())
    assert place.contains(pill.geometry())
    assert pill.x() > 1000
    assert pill.y() > 600


def test_a_window_may_stand_for_days() -> None:
    """Some versions of Qt for Python take a reference of None at each call, and end the program after thousands."""
    window, before = locked(), sys.getrefcount(None)
    for _ in range(1_000):
        window.field.setText("A")
        window.raise_()
    assert sys.getrefcount(None) - before > -500


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((_light(one), _light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _light(color: str) -> float:
    parts_ = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts_)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("high", [False, True], ids=["plain", "high"])
def test_every_pair_of_colours_can_be_read(high: bool) -> None:
    look = Look(contrast=high)
    pairs = [
        (look.ink, look.ground),
        (look.quiet, look.ground),
        (look.quiet, look.surface),
        (look.on_accent, look.accent),
    ]
    pairs += [(look.tone(tone), look.ground) for tone in TONES] + [
        (look.on_tone(), look.tone(tone)) for tone in TONES
    ]
    assert all(contrast(*pair) >= 4.5 for pair in pairs), pairs


def test_all_that_is_written_is_in_a_label_or_a_button() -> None:
    for window in parts(seen(LOCKED["free"]), QRect(0, 0, 1366, 768)):
        kinds = {type(one).__name__ for one in children(window) if hasattr(one, "text")}
        assert kinds <= {QLabel.__name__, QPushButton.__name__, "CodeField", "QLineEdit"}, (
            "fields show what is typed"
        )


def test_the_page_of_a_technician_forgets_the_secret_and_gives_the_screen_back() -> None:
    lock = locked()
    page = lock.technician
    given: list[tuple[str, str]] = []
    page.given.connect(lambda secret, reason: given.append((secret, reason)))
    lock.let_technician_type()
    QTest.keyClicks(page.secret, "une lampe verte")
    QTest.keyClicks(page.reason, "panne")
    page.open.click()
    page.open.click()
    assert given == [("une lampe verte", "panne")], "once, until it was answered"
    page.answered(Answer(refused="wait", wait_s=30))
    assert "30" in page.told.text()
    assert page.secret.text() == ""
    QTest.keyClicks(page.secret, "une lampe")
    lock.draw(seen(LOCKED["no-network"]), lock.geometry())  # type: ignore[arg-type]
    assert page.isVisible(), "what changes meanwhile takes it from nobody"
    page._leaving.timeout.emit()
    assert lock.field.isVisible()
    assert page.secret.text() == ""
