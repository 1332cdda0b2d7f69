"""One-shot commands, done at most once each and always answered."""

from kiosk_agent import effects
from kiosk_agent.commands import Commands
from kiosk_agent.effects import Install, Power, Remember, ShowText
from kiosk_agent.lending import Lending
from kiosk_agent.memory import Taken
from kiosk_agent.offset import Offset
from kiosk_agent.talk import Talk
from kiosk_agent.turn import Turn
from protocol import messages, topics

Answer = tuple[messages.AckStatus, str | None]
DONE: Answer = ("done", None)
UNDER_WAY: Answer = ("accepted", None)


class Orders:
    """Takes commands, remembers them before doing them, answers a repeated one with the same result."""

    def __init__(
        self, boot: str, taken: list[Taken], turn: Turn, lending: Lending, talk: Talk, offset: Offset
    ) -> None:
        self.commands = Commands(boot, taken)
        self._turn = turn
        self._lending = lending
        self._talk = talk
        self._offset = offset
        self._cleaning: str | None = None
        self._last: str | None = None

    def arrived(self, command: messages.Command, retained: bool, now: int) -> None:
        """A command that decoded."""
        known = self.commands.known(command.id)
        if known is not None and not retained:
            self._answer(known)
            return
        objection = self.commands.objection(command, retained, self._talk.term, self._offset, now)
        if objection is not None:
            self._answer(Taken(command.id, *objection))
            return
        self._take(command, now)

    def _take(self, command: messages.Command, now: int) -> None:
        status, reason = self._possible(command)
        taken = self.commands.note(command.id, status, reason)
        self._last = command.id
        self._turn.do(Remember())
        self._answer(taken)
        if status != "refused":
            self._do(command, now)

    def _possible(self, command: messages.Command) -> Answer:
        match command:
            case messages.Clean() | messages.Update() if not self._lending.at_rest:
                return "refused", "busy"
            case messages.Clean() | messages.Update():
                return UNDER_WAY
        return DONE

    def _do(self, command: messages.Command, now: int) -> None:
        match command:
            case messages.ShowMessage():
                self._turn.do(ShowText(command.args.text))
            case messages.Identify():
                self._turn.do(effects.Identify())
            case messages.Lock() if self._lending.held.by_hand is not None:
                self._lending.close_by_hand("order", now)
            case messages.Lock() if self._lending.held.session is not None:
                self._lending.lock_by_order(now)
            case messages.AskResync():
                self._talk.resync("asked", now)
            case messages.Clean():
                self._cleaning = command.id
                self._lending.begin_cleaning()
            case messages.Update():
                args = command.args
                self._turn.do(Install(command.id, args.version, args.sha256, args.downgrade))
            case messages.Reboot():
                self._turn.do(Power("reboot"))
            case messages.Shutdown():
                self._turn.do(Power("shutdown"))

    def cleaned(self) -> None:
        """A clean-up that was commanded is done."""
        if self._cleaning is None:
            return
        self.settle(self._cleaning)
        self._cleaning = None

    def settle(self, command_id: str, reason: str | None = None) -> None:
        """What was under way is done, or `reason` says why not."""
        taken = self.commands.note(command_id, "done" if reason is None else "refused", reason)
        self._turn.do(Remember())
        self._answer(taken)

    @property
    def is_cleaning(self) -> bool:
        """Is the clean-up that goes on one that was commanded?"""
        return self._cleaning is not None

    def clean_up_dropped(self) -> None:
        """The commanded clean-up was never begun."""
        self._cleaning = None

    def refuse_last(self, reason: str) -> None:
        """The command of this turn could not be remembered, so it was not done."""
        if self._last is not None:
            self._answer(self.commands.note(self._last, "refused", reason))

    def _answer(self, taken: Taken) -> None:
        self.refuse(taken.id, taken.reason, taken.status)

    def refuse(self, command_id: str, reason: str | None, status: messages.AckStatus = "refused") -> None:
        """Answer a command by its id alone."""
        held = self._lending.held
        ack = messages.Ack(
            id=command_id, boot=held.boot, status=status, reason=reason, term=held.term, rev=held.rev
        )
        self._turn.say(topics.ACK, ack)
