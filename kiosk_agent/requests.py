"""What the poste asks of the controller: repeated with the same id and nonce until it is answered."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Literal

from kiosk_agent.backoff import Backoff
from protocol.messages import Reply, Request

Op = Literal["start", "resync", "extend", "ending"]

FIRST_MS = 2_000
LONGEST_MS = {"start": 5_000, "resync": 30_000, "extend": 15_000, "ending": 30_000}
GIVE_UP_MS = {"start": 60_000, "extend": 60_000}
"""What nobody sits waiting for is never given up."""
PATIENCE_MS = 600_000
"""How long the desk may take to answer a request for more time."""


class Pending:
    """One request on its way. `sent_at` is None until it left for the first time."""

    def __init__(self, op: Op, request_id: str, nonce: str, now: int, rng: Random) -> None:
        self.op = op
        self.id = request_id
        self.nonce = nonce
        self.sent_at: int | None = None
        self.last_sent: int | None = None
        self.next_at: int | None = now
        self.give_up_at = now + GIVE_UP_MS[op] if op in GIVE_UP_MS else None
        self._backoff = Backoff(FIRST_MS, LONGEST_MS[op], rng)

    def sent(self, now: int) -> None:
        if self.sent_at is None:
            self.sent_at = now
        self.last_sent = now
        self.next_at = now + self._backoff.next()

    def repeat_at(self, at: int) -> None:
        """Send it again at that moment, whatever the back-off says."""
        self._backoff.reset()
        self.next_at = at

    def hurry(self, at: int) -> None:
        """Send it again by that moment, unless it waits for a human."""
        if self.next_at is not None and self.next_at > at:
            self.repeat_at(at)

    def wait(self, now: int) -> None:
        """It reached a human: no more repeats."""
        self.next_at = None
        self.give_up_at = now + PATIENCE_MS


class Requests:
    """The requests on their way, at most one of each kind."""

    def __init__(self, new_id: Callable[[], str], rng: Random) -> None:
        self._new_id = new_id
        self._rng = rng
        self._by_op: dict[Op, Pending] = {}
        self._messages: dict[Op, Callable[[Pending, int], Request]] = {}

    def ask(self, op: Op, now: int, message: Callable[[Pending, int], Request]) -> Pending:
        """Begin a request; `message` makes what is sent, anew at each repeat. Replaces one of its kind."""
        pending = Pending(op, self._new_id(), self._new_id(), now, self._rng)
        self._by_op[op] = pending
        self._messages[op] = message
        return pending

    def __contains__(self, op: Op) -> bool:
        return op in self._by_op

    def __iter__(self) -> Iterator[Pending]:
        return iter(list(self._by_op.values()))

    def get(self, op: Op) -> Pending | None:
        return self._by_op.get(op)

    def answered_by(self, reply: Reply) -> Pending | None:
        """The request that a reply is for: its id and its nonce, or nothing."""
        for pending in self._by_op.values():
            if (pending.id, pending.nonce) == (getattr(reply, "id", ""), getattr(reply, "nonce", "")):
                return pending
        return None

    def drop(self, op: Op) -> None:
        self._by_op.pop(op, None)

    def take_due(self, now: int) -> list[Request]:
        """The messages to send now, a resync before all others; they count as sent."""
        due = [one for one in self if one.next_at is not None and one.next_at <= now]
        due.sort(key=lambda one: one.op != "resync")
        for pending in due:
            pending.sent(now)
        return [self._messages[one.op](one, now) for one in due]

    def take_given_up(self, now: int) -> list[Op]:
        """The kinds that waited too long; they are forgotten."""
        late = [one.op for one in self if one.give_up_at is not None and one.give_up_at <= now]
        for op in late:
            self.drop(op)
        return late

    def moments(self, link: bool) -> list[int]:
        """When something is to do; with no link, only the giving up."""
        moments = [one.give_up_at for one in self if one.give_up_at is not None]
        if link:
            moments += [one.next_at for one in self if one.next_at is not None]
        return moments
