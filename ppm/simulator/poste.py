"""A poste that is an agent as real as any, on a simulated machine that can crash, freeze and lose its cable."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from random import Random

from kiosk_agent.agent import Agent
from kiosk_agent.platform.base import Attestation
from kiosk_agent.settings import Settings
from kiosk_agent.ui.face import NoFace, Said, View
from ppm.simulator.gates import Cable, HeldLoop
from ppm.simulator.machine import SimulatedMachine

CONNECTS_IN_FLIGHT = 64
"""A broker's listen backlog is 100."""


class SimulatedPoste(NoFace):
    """One machine and the agent that runs on it now, if any.

    `connects` is shared by all postes of a process. `view` is what a visitor sees, None while nothing runs;
    `said` the last sentence told to the visitor, with the reason code if it was a refusal.
    """

    def __init__(
        self, settings: Settings, *, connects: asyncio.Semaphore | None = None, clean_s: float = 0.2,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.machine = SimulatedMachine(settings.poste, clean_s=clean_s)
        self.agent: Agent | None = None
        self.view: View | None = None
        self.said: tuple[str, str | None] = ("", None)
        self._cable = Cable(connects or asyncio.Semaphore(CONNECTS_IN_FLIGHT))
        self._rng = Random(f"{seed}-{settings.poste}")
        self._loop: HeldLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()
        self.machine.on_power = self._power

    # -------------------------------------------------------------- what there is to see

    @property
    def slug(self) -> str:
        return self.settings.poste

    @property
    def phase(self) -> str:
        """The phase of the agent, or `off`."""
        return self.view.phase if self.view is not None else "off"

    @property
    def session(self) -> str | None:
        return self.view.session if self.view is not None else None

    @property
    def is_free(self) -> bool:
        """Could a visitor sit down here and type a code?"""
        view = self.view
        return view is not None and view.online and view.phase == "locked" and not view.checking

    def changed(self, view: View) -> None:
        self.view = view
        self.machine.in_grace(view.phase == "grace")
        self._changed.set()

    def told(self, said: Said) -> None:
        self.said = (said.text(self.settings.language), said.reason)
        self._changed.set()

    async def until(self, predicate: Callable[["SimulatedPoste"], bool], timeout_s: float = 10) -> bool:
        """Wait until something is true of this poste. False if it is not in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not predicate(self):
                    self._changed.clear()
                    await self._changed.wait()
        return predicate(self)

    # -------------------------------------------------------------- life and death

    def start(self) -> None:
        """Start an agent in the current boot of the machine."""
        if self._task is not None:
            return
        self._loop = HeldLoop(asyncio.get_running_loop())
        self.agent = Agent(
            self.settings, _Frozen(self.machine, self._loop), face=self, loop=self._loop, rng=self._rng,
            turnstile=self._cable,
        )  # fmt: skip
        self._task = asyncio.create_task(self.agent.run(), name=f"agent-{self.slug}")

    async def stop(self) -> None:
        """End the agent cleanly."""
        if self.agent is not None and self._task is not None:
            self.thaw()
            self.agent.stop()
            await self._task
        self._gone()

    async def crash(self) -> None:
        """Kill the agent as kill -9 does; the machine locks."""
        if self.agent is None or self._task is None:
            return
        self.agent.kill()
        self.machine.lock()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._gone()

    def restart(self) -> None:
        """Start the agent again after a crash, in the same boot."""
        self.start()

    async def power_cycle(self, *, disk: bool = True, off_s: float = 0.0) -> None:
        """The power goes and comes back; without its disk the machine forgets everything."""
        await self.crash()
        self.machine.new_boot()
        if not disk:
            shutil.rmtree(self.settings.folder, ignore_errors=True)
        await asyncio.sleep(off_s)
        self.start()

    def freeze(self, seconds: float | None = None) -> None:
        """The agent's process stands still, its socket stays open; for ever if no time is given."""
        loop = self._loop
        if loop is None:
            return
        loop.hold()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, loop.release)

    def thaw(self) -> None:
        if self._loop is not None:
            self._loop.release()

    def cut_network(self, seconds: float | None = None) -> None:
        """Lose the connection now and refuse new ones; for ever if no time is given."""
        self._cable.pull()
        if self.agent is not None:
            self.agent.sever()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self._cable.plug)

    def restore_network(self) -> None:
        self._cable.plug()

    def _gone(self) -> None:
        self.agent = self._task = self._loop = self.view = None
        self._changed.set()

    def _power(self, op: str) -> None:
        job = asyncio.create_task(self.power_cycle(off_s=1.0) if op == "reboot" else self._shut_down())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _shut_down(self) -> None:
        await self.stop()
        self.machine.new_boot()

    # -------------------------------------------------------------- the visitor's hands

    def type_code(self, code: str) -> None:
        if (agent := self._awake()) is not None:
            agent.type_code(code)

    def ask_time(self, seconds: int = 900) -> None:
        if (agent := self._awake()) is not None:
            agent.ask_time(seconds)

    def end_session(self) -> None:
        if (agent := self._awake()) is not None:
            agent.end_session()

    def _awake(self) -> Agent | None:
        return self.agent if self.view is not None and self._loop and not self._loop.held else None


class _Frozen:
    """The machine as an agent sees it that may be frozen: a clean-up ends only once the agent can see it."""

    def __init__(self, machine: SimulatedMachine, loop: HeldLoop) -> None:
        self._machine = machine
        self._loop = loop
        self.boot_id, self.info = machine.boot_id, machine.info
        self.lock, self.unlock = machine.lock, machine.unlock
        self.warn, self.show, self.power = machine.warn, machine.show, machine.power
        self.idle_s, self.load, self.update = machine.idle_s, machine.load, machine.update

    async def clean(self) -> Attestation:
        attestation = await self._machine.clean()
        await self._loop.thawed()
        return attestation
