"""What a poste shows in a terminal, and what is typed there."""

import io

from kiosk_agent.ui.face import Said, View
from kiosk_agent.ui.terminal import LineFace, ScreenFace


class Hands:
    """Stands for the agent: keeps what the visitor asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def now(self) -> int:
        return 1_000

    def type_code(self, code: str) -> None:
        self.asked.append(code)

    def ask_time(self, seconds: int = 900) -> None:
        self.asked.append(f"+{seconds}")

    def end_session(self) -> None:
        self.asked.append("end")


LOCKED = View(
    poste="p1", phase="locked", online=True, checking=False, sentence="Tapez votre code.", language="fr"
)
OPEN = View(
    poste="p1", phase="active", online=True, checking=False, sentence="", language="fr", session="4",
    deadline=601_000, end=661_000,
)  # fmt: skip
GRACE = View(
    poste="p1", phase="grace", online=True, checking=False, sentence="", language="fr", session="4",
    deadline=1_000, end=31_000,
)  # fmt: skip


def screen(view: View) -> tuple[ScreenFace, Hands]:
    face, hands = ScreenFace("p1", "fr", io.StringIO()), Hands()
    face.visitor = hands
    face.changed(view)
    return face, hands


def drawn(face: ScreenFace) -> str:
    return "\n".join(face.drawn())


def press(face: ScreenFace, keys: str) -> None:
    for key in keys:
        face.typed(key)


def test_a_code_is_typed_in_two_groups_and_sent_with_enter() -> None:
    face, hands = screen(LOCKED)
    press(face, "k7mq2")
    assert "K 7 M   Q 2 _" in drawn(face)
    press(face, "\x7f2r\r")
    assert hands.asked == ["K7MQ2R"]
    assert "_ _ _   _ _ _" in drawn(face)


def test_an_empty_code_asks_nothing() -> None:
    face, hands = screen(LOCKED)
    press(face, "abc\x15\r")
    assert hands.asked == []


def test_a_refusal_stays_until_the_next_key() -> None:
    face, _ = screen(LOCKED)
    face.told(Said("Ce code est inconnu.", "This code is unknown.", "code_inconnu"))
    assert "Ce code est inconnu. (code_inconnu)" in drawn(face)
    press(face, "a")
    assert "inconnu" not in drawn(face)
    assert "Tapez votre code." in drawn(face)


def test_the_time_left_is_shown_and_more_can_be_asked() -> None:
    face, hands = screen(OPEN)
    assert "10:00" in drawn(face)
    press(face, "+")
    assert hands.asked == ["+900"]


def test_the_session_ends_only_when_that_is_said_twice() -> None:
    face, hands = screen(OPEN)
    press(face, "f+f")
    assert "end" not in hands.asked
    press(face, "f")
    assert hands.asked[-1] == "end"


def test_the_grace_says_to_save() -> None:
    face, _ = screen(GRACE)
    assert "enregistrez votre travail" in drawn(face)


def test_lines_say_each_change_once_and_take_codes() -> None:
    said: list[str] = []
    face, hands = LineFace(said.append), Hands()
    face.visitor = hands
    face.changed(LOCKED)
    face.changed(LOCKED)
    face.changed(OPEN)
    assert said == ["[locked] Tapez votre code.", "[active] 10:00"]
    for line in ("k7m q2r\n", "+", "fin", "", "  "):
        face.typed(line)
    assert hands.asked == ["k7m q2r", "+900", "end"]


def test_the_screen_is_drawn_only_while_it_is_taken_and_given_back_after() -> None:
    out = io.StringIO()
    face = ScreenFace("p1", "fr", out)
    face.changed(LOCKED)
    assert out.getvalue() == ""
    with face.shown():
        face.told(Said("Bonjour", "Hello"))
    assert "Bonjour" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?1049l")
