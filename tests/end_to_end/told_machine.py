"""The machine and the face of an agent that runs for a test: all that they see goes to the test."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiosk_agent.agent import Agent
from kiosk_agent.link import Broker
from kiosk_agent.platform.base import Attestation
from kiosk_agent.settings import Settings
from kiosk_agent.ui.face import NoFace, Said, View
from ppm.simulator.machine import Deed, SimulatedMachine
from tests.end_to_end.line import Speaker


async def wipe(seconds: float) -> None:
    """The first half of a clean-up: a step has its end as "during clean-up"."""
    await asyncio.sleep(seconds)


class ToldMachine(SimulatedMachine):
    """A simulated machine whose deeds are told as they happen. Its boot is the test's."""

    def __init__(
        self, name: str, boot: str, speaker: Speaker, *, clean_s: float, leaves: Sequence[str] = ()
    ) -> None:
        super().__init__(name, clean_s=clean_s)
        self.boot = boot
        self._speaker = speaker
        self._leaves = tuple(leaves)
        self._visited = False

    async def clean(self) -> Attestation:
        """Its first clean-up after a visit leaves what it was told to leave."""
        await wipe(self.clean_s / 2)
        attested = await super().clean()
        if not self._visited:
            return attested
        left, self._leaves = self._leaves, ()
        return replace(attested, leftovers=left)

    def _note(self, deed: Deed, detail: str = "") -> None:
        self._visited |= deed == "unlock"
        self._speaker.say(kind="deed", at=time.monotonic(), deed=deed, detail=detail)


class ToldFace(NoFace):
    """Tells what a visitor sees, with what the agent holds."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self.agent: Agent | None = None

    def changed(self, view: View) -> None:
        assert self.agent is not None
        held = self.agent.machine.lending.held
        self._speaker.say(
            kind="view", at=time.monotonic(), phase=view.phase, session=view.session, online=view.online,
            checking=view.checking, deadline=view.deadline, term=held.term, rev=held.rev,
        )  # fmt: skip

    def told(self, said: Said) -> None:
        self._speaker.say(kind="told", sentence=said.fr, reason=said.reason)


def agent_on(configuration: dict[str, Any], speaker: Speaker) -> Agent:
    """The agent that a configuration describes."""
    slug = configuration["poste"]
    broker = Broker("127.0.0.1", configuration["port"], slug, configuration["password"])
    settings = Settings(configuration["site"], slug, broker, Path(configuration["disk"]), durable=False)
    machine = ToldMachine(
        slug, configuration["boot"], speaker, clean_s=configuration["clean_s"],
        leaves=configuration.get("leaves", ()),
    )  # fmt: skip
    face = ToldFace(speaker)
    agent = face.agent = Agent(settings, machine, face=face)
    return agent
