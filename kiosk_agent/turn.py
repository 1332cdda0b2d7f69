"""One turn of the machine: an input, what it changed, and in which order that is to be done."""

from kiosk_agent.effects import Effect, Lock, Persist, Publish, Unlock
from protocol.messages import Message
from protocol.topics import Topic


class Turn:
    """The effects that one input has."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def say(self, topic: Topic, message: Message) -> None:
        self.do(Publish(topic, message))

    def take(self, persist: Persist | None) -> list[Effect]:
        """All effects in order: lock, write what is held, then the rest: nothing unlocks before the write.

        What was unlocked and locked again within the turn is not unlocked at all.
        """
        effects, self._effects = self._effects, []
        bolts = [effect for effect in effects if isinstance(effect, Lock | Unlock)]
        ends_locked = bool(bolts) and isinstance(bolts[-1], Lock)
        moved = (Lock, Unlock) if ends_locked else (Lock,)
        locks: list[Effect] = [effect for effect in bolts if isinstance(effect, Lock)]
        rest = [effect for effect in effects if not isinstance(effect, moved)]
        return locks[:1] + ([persist] if persist else []) + rest
