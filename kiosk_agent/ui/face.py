"""The seam to whatever shows the poste: it is given the whole view at each change, and asks through Visitor."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kiosk_agent.words import Fault, Language
from protocol.messages import Config, Phase

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """A sentence for whoever sits there, in both languages; of a refusal its reason code and when to try again.

    `by_desk`: somebody typed it there, and it stays until it was read.
    """

    fr: str
    en: str
    reason: str | None = None
    retry_after_s: int | None = None
    by_desk: bool = False

    def text(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en

    def line(self, language: Language) -> str:
        """The sentence with its reason code behind it."""
        return f"{self.text(language)} ({self.reason})" if self.reason else self.text(language)


@dataclass(frozen=True)
class View:
    """All that a face needs, at one moment. `deadline`, `end` and `blocked_until` are ms of the boot clock.

    `controller`: the desk can be reached; `asking`: the desk has a request for more time; `still_there`: nobody
    touched the machine for long, and the visitor is asked; the session ends at `answer_by` if that is not 0.
    `by_hand`: a technician has it open, until `end`. `fault`: why the broker cannot be reached, where that is
    known. `server_ms`: what the server's clock showed at 0 of the boot clock, so that a machine whose own clock
    is wrong shows the right time all the same.
    """

    poste: str
    phase: Phase
    online: bool
    checking: bool
    sentence: str
    language: Language
    session: str | None = None
    deadline: int | None = None
    end: int | None = None
    remaining_ms: int | None = None
    config: Config | None = None
    controller: bool = True
    asking: bool = False
    still_there: bool = False
    answer_by: int = 0
    fault: Fault = ""
    server_ms: int | None = None
    blocked_until: int = 0
    by_hand: bool = False

    @property
    def in_use(self) -> bool:
        """Is somebody at the machine, a visitor or a technician?"""
        return self.phase in ("active", "grace") or self.by_hand


class Face(Protocol):
    """Something that shows the poste. Whatever it raises is logged and told as trouble, and locks nothing."""

    def changed(self, view: View) -> None:
        """The whole view, again."""

    def told(self, said: Said) -> None:
        """A sentence for whoever sits there."""

    def warned(self, left_s: int, sentence: str) -> None:
        """The end comes near."""

    def identified(self, poste: str) -> None:
        """Show large which poste this is."""


class Visitor(Protocol):
    """What a face may ask on behalf of the visitor. The agent is one."""

    def now(self) -> int:
        """The boot clock, in ms, to count down with."""

    def type_code(self, code: str) -> None: ...

    def ask_time(self, seconds: int = 900) -> None: ...

    def end_session(self) -> None: ...


class NoFace:
    """Nobody looks."""

    def changed(self, view: View) -> None: ...

    def told(self, said: Said) -> None: ...

    def warned(self, left_s: int, sentence: str) -> None: ...

    def identified(self, poste: str) -> None: ...


class GuardedFace:
    """Another face, whose failures reach `failed` and go no further: a broken window unlocks nothing."""

    def __init__(self, face: Face, failed: Callable[[Exception], None]) -> None:
        self._face = face
        self._failed = failed
        self._failing = False

    def changed(self, view: View) -> None:
        self._guard(lambda: self._face.changed(view))

    def told(self, said: Said) -> None:
        self._guard(lambda: self._face.told(said))

    def warned(self, left_s: int, sentence: str) -> None:
        self._guard(lambda: self._face.warned(left_s, sentence))

    def identified(self, poste: str) -> None:
        self._guard(lambda: self._face.identified(poste))

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            log.exception("face_failed")
            if not self._failing:
                self._failing = True
                self._failed(error)
        else:
            self._failing = False
