"""Nobody touches the machine: ask whether somebody is there, and end the session where the site wants that."""

from collections.abc import Callable

from kiosk_agent.effects import Tell
from kiosk_agent.lending import Lending
from kiosk_agent.turn import Turn
from protocol.messages import Event, Idle

ANSWER_MS = 60_000
"""How long who is asked has to touch the machine."""


class Idleness:
    """Looks at how long nobody touched the machine. `asked_at` is set while the visitor is asked."""

    def __init__(self, lending: Lending, turn: Turn, happened: Callable[[Event], None]) -> None:
        self.asked_at: int | None = None
        self._lending = lending
        self._turn = turn
        self._happened = happened
        self._last_s = 0

    @property
    def answer_by(self) -> int:
        """When the session ends if nobody touches the machine; 0: it does not end for that."""
        return self.asked_at + ANSWER_MS if self.asked_at is not None and self._rule()[1] else 0

    def seen(self, idle_s: int, now: int) -> bool:
        """Nobody touched the machine for `idle_s`. True when the session is to end for that."""
        limit_s, ends = self._rule()
        last_s, self._last_s = self._last_s, idle_s
        if not limit_s:
            self.asked_at = None
        elif self.asked_at is None:
            if idle_s >= limit_s:
                self._ask(idle_s, now)
        elif idle_s < last_s:
            self.asked_at = None
            self._tell(last_s, "stayed")
        elif ends and now - self.asked_at >= ANSWER_MS:
            self.asked_at = None
            self._tell(idle_s, "ended")
            self._turn.do(Tell("ended_idle", {}))
            return True
        return False

    def _rule(self) -> tuple[int, bool]:
        """After how long to ask (0: never), and whether to end then."""
        config = self._lending.held.config
        if config is None or config.idle == "off" or self._lending.phase not in ("active", "grace"):
            return 0, False
        return config.idle_s, config.idle == "end"

    def _ask(self, idle_s: int, now: int) -> None:
        self.asked_at = now
        self._turn.do(Tell("still_there", {}))
        self._tell(idle_s, "asked")

    def _tell(self, idle_s: int, outcome: str) -> None:
        session = self._lending.held.session
        self._happened(Idle(n=0, boot="", session=session, idle_s=idle_s, outcome=outcome))
