"""What a poste says on its own while connected: presence, state, heartbeats."""

from random import Random

from kiosk_agent.effects import Beat
from kiosk_agent.lending import Lending
from kiosk_agent.turn import Turn
from protocol import topics
from protocol.messages import Heartbeat, Info, State, Status

ONLINE_AGAIN_MS = 1_000
"""A poste that sees itself declared offline contradicts at most this often."""


class Voice:
    """Silent until the link is up; then it says the state at each change, and beats."""

    def __init__(self, turn: Turn, lending: Lending, info: Info, beat_ms: int, rng: Random) -> None:
        self.connection: int | None = None
        self._turn = turn
        self._lending = lending
        self._info = info
        self._beat_ms = beat_ms
        self._rng = rng
        self._seq = 0
        self._said: tuple[object, ...] | None = None
        self._beat_at: int | None = None
        self._status_at: int | None = None
        self._status_said = 0

    def up(self, connection: int, now: int, info: Info | None = None) -> None:
        """Connected and subscribed: status, info, state, in this order."""
        self.connection = connection
        self._info = info or self._info
        self._status(now)
        self._turn.say(topics.INFO, self._info)
        self._said = None
        self.state(now)
        self._beat_at = now + int(self._beat_ms * self._rng.uniform(0.05, 1))

    def down(self) -> None:
        self.connection = self._beat_at = self._status_at = None

    def contradict(self, now: int) -> None:
        """Someone says that this poste is offline."""
        if self.connection is not None and self._status_at is None:
            self._status_at = max(now, self._status_said + ONLINE_AGAIN_MS)

    def advance(self, now: int) -> None:
        if self._status_at is not None and self._status_at <= now:
            self._status(now)
        if self._beat_at is not None and self._beat_at <= now:
            self._beat(now)

    def state(self, now: int) -> None:
        """Say the state if it is not the one said last."""
        lending, held = self._lending, self._lending.held
        key = (lending.phase, held.term, held.rev, held.session)
        if self.connection is None or key == self._said:
            return
        self._said = key
        # Rises with each state and over restarts of the agent, with nothing to write on disk.
        self._seq = max(self._seq + 1, now)
        self._turn.say(
            topics.STATE,
            State(
                boot=held.boot, seq=self._seq, term=held.term, rev=held.rev, phase=lending.phase,
                session=held.session, remaining_ms=lending.remaining(now), grace_ms=lending.grace_left(now),
            ),
        )  # fmt: skip

    def moments(self) -> list[int]:
        return [at for at in (self._beat_at, self._status_at) if at is not None]

    def _status(self, now: int) -> None:
        self._status_at, self._status_said = None, now
        status = Status(online=True, boot=self._lending.held.boot, connection=self.connection or 0)
        self._turn.say(topics.STATUS, status)

    def _beat(self, now: int) -> None:
        self._beat_at = now + int(self._beat_ms * self._rng.uniform(0.8, 1.2))
        lending, held = self._lending, self._lending.held
        self._turn.do(
            Beat(
                Heartbeat(
                    boot=held.boot, term=held.term, rev=held.rev, phase=lending.phase,
                    remaining_ms=lending.remaining(now),
                )
            )
        )  # fmt: skip
