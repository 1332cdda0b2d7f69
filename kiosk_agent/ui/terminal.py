"""A poste's face in a terminal: type a code, see the countdown. A pipe in place of a terminal works too.

On a terminal the screen is drawn anew each second and keys act at once; elsewhere each change is a line, and a
line that comes in is a code, `+` (more time) or `fin` (end the session).
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from kiosk_agent.ui.face import Said, View, Visitor
from kiosk_agent.words import Language, clock_face, say

LONGEST_LINE = 32
_HELP = {
    "fr": ("Tapez le code puis Entrée.", "+ demander du temps · f terminer"),
    "en": ("Type the code, then Enter.", "+ ask for time · f end"),
}
_ENTER, _ERASE, _CLEAR = ("\r", "\n"), ("\x7f", "\x08"), "\x15"
_OPEN = ("active", "grace")
_ENTER_SCREEN, _LEAVE_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_CLEAR_SCREEN = "\x1b[2J"
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


class LineFace:
    """Says each change in a line."""

    def __init__(self, write: Callable[[str], None] = print) -> None:
        self._write = write
        self._said = ""
        self.visitor: Visitor | None = None
        self.view: View | None = None

    def changed(self, view: View) -> None:
        """The state of the poste, when it differs from what was said last."""
        self.view = view
        line = f"[{view.phase}] {view.sentence}".rstrip()
        if view.phase in _OPEN and view.deadline is not None and self.visitor is not None:
            line = f"[{view.phase}] {clock_face(view.deadline - self.visitor.now())}"
        state = f"{view.phase} {view.sentence} {view.session} {view.deadline}"
        if state != self._said:
            self._said = state
            self._write(line)

    def told(self, said: Said) -> None:
        self._write(said.line(self.view.language if self.view else "fr"))

    def warned(self, left_s: int, sentence: str) -> None:
        self._write(f"[{left_s} s] {sentence}")

    def identified(self, poste: str) -> None:
        self._write(say("identify", self.view.language if self.view else "fr", poste=poste))

    def typed(self, line: str) -> None:
        """A line came in."""
        words, visitor = line.strip(), self.visitor
        if visitor is None or not words:
            return
        if words == "+":
            visitor.ask_time()
        elif words.lower() in ("fin", "end"):
            visitor.end_session()
        else:
            visitor.type_code(words[:LONGEST_LINE])


class ScreenFace:
    """The whole terminal is the poste's screen."""

    def __init__(self, poste: str, language: Language, out: TextIO | None = None) -> None:
        self.visitor: Visitor | None = None
        self.view: View | None = None
        self._poste, self._language = poste, language
        self._buffer = ""
        self._said = ""
        self._confirming = False
        self._out = out or sys.stdout
        self._on = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Take the terminal's whole screen; what was on it comes back afterwards."""
        self._on = True
        self._write(_ENTER_SCREEN)
        self.draw()
        try:
            yield
        finally:
            self._on = False
            self._write(_LEAVE_SCREEN)

    def changed(self, view: View) -> None:
        if self.view is not None and (self.view.phase, self.view.session) != (view.phase, view.session):
            self._said, self._confirming = "", False
        self.view = view
        self.draw()

    def told(self, said: Said) -> None:
        self._tell(said.line(self._language))

    def warned(self, left_s: int, sentence: str) -> None:  # noqa: ARG002 - the countdown shows it
        self._tell(sentence)

    def identified(self, poste: str) -> None:
        self._tell(say("identify", self._language, poste=poste))

    def _tell(self, sentence: str) -> None:
        self._said = sentence
        self.draw()

    def typed(self, key: str) -> None:
        """A key was pressed."""
        if self.view is not None and self.view.in_use:
            self._in_use(key)
        else:
            self._at_the_door(key)
        self.draw()

    def _at_the_door(self, key: str) -> None:
        if key in _ENTER:
            if self._buffer and self.visitor is not None:
                self.visitor.type_code(self._buffer)
            self._buffer = ""
        elif key in _ERASE:
            self._buffer = self._buffer[:-1]
        elif key == _CLEAR:
            self._buffer = ""
        elif key.isprintable():
            self._buffer = (self._buffer + key.upper())[:LONGEST_LINE]
            self._said = ""

    def _in_use(self, key: str) -> None:
        if self.visitor is None:
            return
        if key == "+":
            self.visitor.ask_time()
        elif key.lower() == "f" and not self._confirming:
            self._confirming, self._said = True, say("confirm_end", self._language) + " (f)"
            return
        elif key.lower() == "f":
            self.visitor.end_session()
        self._confirming = False

    def draw(self) -> None:
        """Draw the screen as it is now, in the middle of it."""
        if not self._on:
            return
        columns, rows = shutil.get_terminal_size()
        lines, parts = self.drawn(), [_CLEAR_SCREEN]
        top = max(1, (rows - 2 * len(lines)) // 2)
        for number, (line, style) in enumerate(zip(lines, (_BOLD, _BOLD, "", _DIM), strict=False)):
            left = max(1, (columns - len(line)) // 2 + 1)
            parts.append(f"\x1b[{top + 2 * number};{left}H{style}{line[:columns]}{_PLAIN}")
        self._write("".join(parts))

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def drawn(self) -> list[str]:
        """What the screen shows now: where this is, the code or the time, a sentence, the keys."""
        view = self.view
        if view is None:
            return [self._poste]
        in_use = view.in_use
        return [
            f"{view.config.site if view.config else ''}  {self._poste}".strip(),
            self._countdown(view) if in_use else self._boxes(),
            self._said or view.sentence,
            _HELP[self._language][in_use],
        ]

    def _boxes(self) -> str:
        code = self._buffer.replace(" ", "").ljust(6, "_")
        return f"{' '.join(code[:3])}   {' '.join(code[3:])}"

    def _countdown(self, view: View) -> str:
        if self.visitor is None or view.deadline is None or view.end is None:
            return ""
        now = self.visitor.now()
        if view.phase == "grace":
            return say("grace", self._language, seconds=max(0, -(-(view.end - now) // 1000)))
        return clock_face(view.deadline - now)


async def keep_drawing(face: ScreenFace) -> None:
    """Move the countdown, until cancelled."""
    while True:
        await asyncio.sleep(0.25)
        face.draw()


@contextmanager
def keys(typed: Callable[[str], None], source: TextIO | None = None) -> Iterator[None]:
    """Each key of this terminal goes to `typed` at once; the terminal is as before afterwards."""
    import termios
    import tty

    descriptor = (source or sys.stdin).fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    loop = asyncio.get_running_loop()

    def readable() -> None:
        for key in _read(descriptor):
            typed(key)

    loop.add_reader(descriptor, readable)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def lines(typed: Callable[[str], None], ended: Callable[[], None]) -> Iterator[None]:
    """Each line of the standard input goes to `typed`; its end is told once."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    rest = ""

    def readable() -> None:
        nonlocal rest
        text = _read(descriptor)
        if not text:
            loop.remove_reader(descriptor)
            ended()
            return
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            typed(line)

    try:
        loop.add_reader(descriptor, readable)
    except (OSError, ValueError):  # a file, or nothing: there is nobody to type
        yield
        return
    try:
        yield
    finally:
        with suppress(ValueError):
            loop.remove_reader(descriptor)


def _read(descriptor: int) -> str:
    with suppress(OSError):
        return os.read(descriptor, 4096).decode(errors="replace")
    return ""
