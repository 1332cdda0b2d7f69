"""One-shot commands: which are taken, which refused, none done twice."""

from kiosk_agent.memory import Taken
from kiosk_agent.offset import Offset
from protocol.messages import AckStatus, Command

REMEMBERED = 256


class Commands:
    """The commands that were taken, so that a repeated one gets the same answer and is not done again."""

    def __init__(self, boot: str, taken: list[Taken]) -> None:
        self._boot = boot
        self._taken = {one.id: one for one in taken[-REMEMBERED:]}

    def all(self) -> list[Taken]:
        return list(self._taken.values())

    def known(self, command_id: str) -> Taken | None:
        return self._taken.get(command_id)

    def note(self, command_id: str, status: AckStatus, reason: str | None = None) -> Taken:
        """Remember a command and its answer; a later answer to the same one replaces it."""
        taken = self._taken[command_id] = Taken(command_id, status, reason)
        while len(self._taken) > REMEMBERED:
            del self._taken[next(iter(self._taken))]
        return taken

    def objection(
        self, command: Command, retained: bool, term: int, offset: Offset, now: int
    ) -> tuple[AckStatus, str] | None:
        """Why a command is not taken: its answer and reason, or None if it is."""
        if retained:
            return "refused", "retained"
        if command.boot is not None and command.boot != self._boot:
            return "refused", "other_boot"
        if command.term < term:
            return "refused", "old_term"
        age = offset.age(command.issued_at, now)
        if age is None:
            return "refused", "no_clock"
        return ("expired", "too_old") if age > command.ttl_ms else None
