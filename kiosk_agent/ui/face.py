"""The seam to whatever shows the poste: it is given the whole view at each change, and asks through Visitor."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kiosk_agent.words import Language
from protocol.messages import Config, Phase

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """All that a face needs, at one moment. `deadline` and `end` are ms of the boot clock."""

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


class Face(Protocol):
    """Something that shows the poste. Whatever it raises is logged and told as trouble, and locks nothing."""

    def changed(self, view: View) -> None:
        """The whole view, again."""

    def told(self, sentence: str, reason: str | None = None) -> None:
        """A sentence for whoever sits there, with the reason code of a refusal."""

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

    def told(self, sentence: str, reason: str | None = None) -> None: ...

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

    def told(self, sentence: str, reason: str | None = None) -> None:
        self._guard(lambda: self._face.told(sentence, reason))

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
