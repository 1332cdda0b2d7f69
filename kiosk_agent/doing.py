"""Carries out what the machine wants: the platform, the disk, the link, the face. One effect after the other."""

import logging
from collections.abc import Callable
from typing import Any

from msgspec import structs

from kiosk_agent import effects
from kiosk_agent.link import Link
from kiosk_agent.machine import Machine
from kiosk_agent.platform.base import Platform, PlatformError
from kiosk_agent.settings import Settings
from kiosk_agent.store import Store, StoreError
from kiosk_agent.ui.face import Face, Said
from kiosk_agent.words import say
from protocol import codec, topics
from protocol.messages import Message
from protocol.topics import Topic

log = logging.getLogger(__name__)


class Doing:
    """Knows how to do each effect; `clean` and `power` begin something that ends later."""

    def __init__(
        self, settings: Settings, platform: Platform, store: Store, machine: Machine, face: Face,
        clean: Callable[[], None], power: Callable[[str], None], install: Callable[[effects.Install], None],
    ) -> None:  # fmt: skip
        self.link: Link | None = None
        self._settings = settings
        self._platform = platform
        self._store = store
        self._machine = machine
        self._face = face
        self._paths = {one: one.path(settings.site, settings.poste, settings.root) for one in topics.TOPICS}
        self._how: dict[type, Callable[[Any], None]] = {
            effects.Publish: lambda one: self.publish(one.topic, one.message),
            effects.Beat: self._beat,
            effects.Persist: lambda one: store.save_held(one.held),
            effects.Remember: lambda _: store.save_commands(machine.orders.commands.all()),
            effects.Record: lambda one: store.add_event(one.happened, machine.events.kept),
            effects.Forget: lambda _: store.save_events(machine.events.kept),
            effects.Unlock: lambda one: platform.unlock(one.session),
            effects.Lock: lambda _: platform.lock(),
            effects.Clean: lambda _: clean(),
            effects.Power: lambda one: power(one.op),
            effects.Install: install,
            effects.Warn: self._warn,
            effects.Tell: self._tell,
            effects.TellAnswer: self._tell_answer,
            effects.ShowText: self._show,
            effects.Identify: lambda _: face.identified(settings.poste),
        }

    def do(self, effect: effects.Effect) -> None:
        """Raises StoreError or PlatformError."""
        self._how[type(effect)](effect)

    def publish(self, topic: Topic, message: Message) -> None:
        if self.link is not None:
            self.link.publish(self._paths[topic], codec.encode(message), topic.qos, topic.retained)

    def _beat(self, beat: effects.Beat) -> None:
        full = structs.replace(
            beat.heartbeat, idle_s=self._platform.idle_s(), load=round(self._platform.load(), 2)
        )
        self.publish(topics.HEARTBEAT, full)

    def _warn(self, warn: effects.Warn) -> None:
        sentence = say("warning", self._settings.language, seconds=warn.left_s)
        self._platform.warn(warn.left_s, sentence)
        self._face.warned(warn.left_s, sentence)

    def _tell(self, tell: effects.Tell) -> None:
        self._face.told(Said(say(tell.key, "fr", **tell.values), say(tell.key, "en", **tell.values)))

    def _tell_answer(self, answer: effects.TellAnswer) -> None:
        self._face.told(Said(answer.fr, answer.en, answer.reason, answer.retry_after_s))

    def _show(self, show: effects.ShowText) -> None:
        self._platform.show(show.text)
        self._face.told(Said(show.text, show.text, by_desk=True))


__all__ = ["Doing", "PlatformError", "StoreError"]
