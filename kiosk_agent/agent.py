"""The agent of one poste: the machine, given a clock, a disk, a platform, a link and a face."""

import asyncio
import contextlib
import logging
import secrets
from random import Random

from kiosk_agent import effects
from kiosk_agent.broker import Loop, Will
from kiosk_agent.clock import BootClock, Clock
from kiosk_agent.doing import Doing
from kiosk_agent.inbox import Inbox
from kiosk_agent.link import Link, Turnstile
from kiosk_agent.machine import Machine
from kiosk_agent.platform import about
from kiosk_agent.platform.base import Attestation, Platform, PlatformError
from kiosk_agent.seeing import view_of
from kiosk_agent.settings import Settings
from kiosk_agent.store import Store
from kiosk_agent.ui.face import Face, GuardedFace, NoFace, View
from kiosk_agent.updating.release import UpdateRefused
from kiosk_agent.updating.renewal import Renewal
from kiosk_agent.words import Fault
from kiosk_agent.work import Work
from protocol import codec, topics
from protocol.messages import Info, Status

log = logging.getLogger(__name__)

PULSE_S = 0.1
"""How often the agent marks that it lives while the machine is unlocked, and looks at the boot clock."""
IDLE_LOOK_MS = 1_000
"""How often the agent looks whether somebody touches the machine."""
LONGEST_CLEAN_S = 300.0
"""A clean-up that takes longer is given up, and attested as something left."""
POWER_S = 0.5
"""What is left for the last words before the machine goes down."""


class Agent:
    """One poste. `run` lives until it is cancelled (an abrupt end) or `stop` is called (a clean one).

    `begun` is set once the machine is as it should be.
    The agent is also the `Visitor` of a face: `type_code`, `ask_time`, `end_session`, `now`.
    """

    def __init__(
        self, settings: Settings, platform: Platform, clock: Clock | None = None, *,
        face: Face | None = None, loop: Loop | None = None, rng: Random | None = None,
        turnstile: Turnstile | None = None, renewal: Renewal | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._platform = platform
        self._clock = clock or BootClock()
        self._face = GuardedFace(face or NoFace(), self._face_failed)
        self._given_loop = loop
        self._rng = rng or Random()
        self._turnstile = turnstile
        self._renewal = renewal
        self._boot = platform.boot_id()
        self._store = Store(settings.folder, self._boot, durable=settings.durable)
        self._stopping = asyncio.Event()
        self.begun = asyncio.Event()
        self._shown: View | None = None
        self._timer: asyncio.Handle | None = None
        self._wake_at: int | None = None
        self._pulse: asyncio.Handle | None = None
        self._cleaning: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._looked_idle_at = 0
        self._fault: Fault = ""

    # -------------------------------------------------------------- life

    async def run(self) -> None:
        """Be the poste."""
        self._loop: Loop = self._given_loop or asyncio.get_running_loop()
        with self._store:
            self._compose()
            self._work.do(self.machine.begin(self.now()))
            self.begun.set()
            link = asyncio.create_task(self.link.run(), name=f"link-{self.settings.poste}")
            if self._renewal is not None:
                self._renewing = asyncio.create_task(self._renewal.run(self), name="renewal")
            try:
                await self._until_stopped(link)
                await self._leave()
            finally:
                self._work.over = True
                self._cancel_all(link)
                with contextlib.suppress(asyncio.CancelledError):
                    await link

    def stop(self) -> None:
        """End cleanly: the machine is locked, the controller told, the session kept for the next start."""
        self._stopping.set()

    def sever(self) -> None:
        """Cut the connection hard; the agent connects again by itself."""
        self.link.sever()

    def kill(self) -> None:
        """Be dead at once, as after kill -9: no word, no write, the socket reset. Cancel `run` after it."""
        self._work.over = True
        self.link.sever()

    def _compose(self) -> None:
        memory = self._store.load()
        beat_ms = int(self.settings.heartbeat_s * 1000)
        self.machine = Machine(self._platform.info(), self._boot, memory, self._rng, _new_id, beat_ms)
        self._doing = Doing(
            self.settings, self._platform, self._store, self.machine, self._face,
            clean=self._begin_cleaning, power=self._power_soon, install=self._install,
        )  # fmt: skip
        self._work = Work(self.machine, self._doing, self._store, self._loop, self.now, self._after)
        self._inbox = Inbox(self.settings)
        self.link = Link(
            self.settings.broker, self._inbox.paths, self, self._loop, self._rng, self._turnstile
        )
        self._doing.link = self.link

    async def _until_stopped(self, link: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait({stopping, link}, return_when=asyncio.FIRST_COMPLETED)
            if link in done:
                link.result()
        finally:
            stopping.cancel()

    async def _leave(self) -> None:
        with contextlib.suppress(PlatformError, OSError):
            self._platform.lock()
        self._mark_alive()
        status = Status(online=False, boot=self._boot, connection=self._store.connection, reason="stopping")
        self._work.over = True
        await self.link.farewell(self._status_path, codec.encode(status))

    def _cancel_all(self, link: asyncio.Task[None]) -> None:
        link.cancel()
        for handle in (self._timer, self._pulse, self._cleaning, self._renewing):
            if handle is not None:
                handle.cancel()

    # -------------------------------------------------------------- the visitor

    def now(self) -> int:
        return self._clock.now()

    def type_code(self, code: str) -> None:
        self._work.do(self.machine.type_code(self.now(), code))

    def ask_time(self, seconds: int = 900) -> None:
        self._work.do(self.machine.ask_time(self.now(), seconds))

    def end_session(self) -> None:
        self._work.do(self.machine.end(self.now()))

    # -------------------------------------------------------------- the window

    def window_lost(self) -> None:
        """Nothing stands before the visitor: the machine is locked until something does; the time runs on.

        A technician stays: the window may be what there is to mend.
        """
        self._work.blind = True
        if self.machine.lending.held.by_hand is None:
            self._work.do([effects.Lock()])

    def window_back(self) -> None:
        """A window stands there again: a session that is still here goes on."""
        self._work.blind = False
        if session := self.machine.lending.held.session if self.machine.lending.unlocked else None:
            self._work.do([effects.Unlock(session)])

    def window_failed(self, how: str) -> None:
        """A window ended or hung, and is started again."""
        self.trouble("ui_crashed", how)

    # -------------------------------------------------------------- the technician

    def open_by_hand(self, reason: str, seconds: int) -> str | None:
        """Open without the server. Why not, if not."""
        objection = self.machine.lending.closed_to_hand()
        if objection is None:
            self._work.do(self.machine.open_by_hand(self.now(), reason, seconds))
            return None if self.machine.lending.held.by_hand is not None else "failed"
        return objection

    def close_by_hand(self) -> None:
        """The technician is done. A visitor's session is not ended by this."""
        if self.machine.lending.held.by_hand is not None:
            self.end_session()

    def tampered(self, how: str) -> None:
        """Somebody tries what is not theirs."""
        self.trouble("tampering", how)

    def trouble(self, what: str, detail: str) -> None:
        """Something that a human should know."""
        self._work.trouble(what, detail)

    # -------------------------------------------------------------- the link's listener

    def will(self) -> Will:
        connection = self._store.next_connection()
        status = Status(online=False, boot=self._boot, connection=connection, reason="lost")
        return Will(self._status_path, codec.encode(status))

    def up(self) -> None:
        self._fault = ""
        self._work.do(self.machine.link_up(self.now(), self._store.connection, self._about()))

    def _about(self) -> Info | None:
        """This machine as it is now: another cable, another address, another screen. None: as it was said last."""
        try:
            return about.reached_by(self._platform.info(), self.link.address)
        except (PlatformError, OSError) as error:
            log.warning("info_failed", extra={"error": str(error)})
            return None

    def down(self) -> None:
        self._work.do(self.machine.link_down(self.now()))

    def refused(self, fault: Fault) -> None:
        self._fault = fault
        if not self._work.over:
            self._show()

    def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        now = self.now()
        try:
            message = self._inbox.decode(topic, payload)
        except codec.BadMessage as bad:
            if command_id := self._inbox.refused(topic, payload, bad):
                self._work.do(self.machine.malformed_command(now, command_id, bad.reason))
            return
        self._work.do(self.machine.receive(now, message, retained))

    @property
    def _status_path(self) -> str:
        return topics.STATUS.path(self.settings.site, self.settings.poste, self.settings.root)

    # -------------------------------------------------------------- what is shown, and when to look again

    def _face_failed(self, error: Exception) -> None:
        self.trouble("ui_crashed", str(error))

    def _after(self) -> None:
        self._show()
        self._arm()
        if self.machine.lending.is_open and self._pulse is None:
            self._beat()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self.now()
        self._wake_at = self.machine.next_wake(now)
        if self._wake_at is not None:
            self._timer = self._loop.call_later(max(0, self._wake_at - now) / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._work.do(self.machine.tick(self.now()))

    # -------------------------------------------------------------- the pulse of an unlocked machine

    def _beat(self) -> None:
        """Mark that we live, and look at the boot clock: a timer does not see the machine's sleep."""
        if self._work.over:
            return
        self._mark_alive()
        if self._wake_at is not None and self._wake_at <= self.now():
            self._wake()
        self._look_idle()
        is_open = self.machine.lending.is_open
        self._pulse = self._loop.call_later(PULSE_S, self._beat) if is_open else None

    def _look_idle(self) -> None:
        now = self.now()
        if now - self._looked_idle_at >= IDLE_LOOK_MS:
            self._looked_idle_at = now
            self._work.do(self.machine.idle(now, self._platform.idle_s()))

    def _mark_alive(self) -> None:
        self._store.mark_alive(self.now())

    # -------------------------------------------------------------- what ends later

    def _begin_cleaning(self) -> None:
        self._cleaning = asyncio.create_task(self._clean(), name=f"clean-{self.settings.poste}")

    async def _clean(self) -> None:
        began = self.now()
        try:
            async with asyncio.timeout(LONGEST_CLEAN_S):
                attestation = await self._platform.clean()
        except TimeoutError:
            log.error("clean_too_long", extra={"after_s": LONGEST_CLEAN_S})
            attestation = Attestation(ms=self.now() - began, leftovers=("clean_too_long",))
        except Exception:
            # Whatever it is, a poste that cleans for ever serves nobody: it says so and a human looks.
            log.exception("clean_failed")
            attestation = Attestation(ms=self.now() - began, leftovers=("clean_failed",))
        self._work.do(self.machine.cleaned(self.now(), attestation))

    def _power_soon(self, op: str) -> None:
        self._loop.call_later(POWER_S, lambda: self._power(op))

    def _power(self, op: str) -> None:
        try:
            self._platform.power(op)
        except (PlatformError, OSError) as error:
            self.trouble(f"{op}_failed", str(error))

    # -------------------------------------------------------------- another version

    def _install(self, wanted: effects.Install) -> None:
        reason, over = None, True
        try:
            if self._renewal is not None:
                over = self._renewal.order(wanted)
            else:
                self._platform.update(wanted.version, wanted.sha256)
        except (PlatformError, UpdateRefused, OSError) as error:
            log.error("update_failed", extra={"version": wanted.version, "error": str(error)})
            reason = "storage" if isinstance(error, OSError) else error.reason
        if over:
            self.updated(wanted.command, reason)

    @property
    def at_rest(self) -> bool:
        """Nobody is at the machine or has typed a code, and nothing is being wiped."""
        return self.machine.lending.at_rest and "start" not in self.machine.talk.requests

    @property
    def is_linked(self) -> bool:
        return self.machine.voice.connection is not None

    def updated(self, command: str, reason: str | None) -> None:
        """Answer the order of another version."""
        self._work.do(self.machine.updated(self.now(), command, reason))

    def failed_update(self, detail: str) -> None:
        self.trouble("update_rolled_back", detail)

    # -------------------------------------------------------------- the face

    def _show(self) -> None:
        view = view_of(self.machine, self.settings, self.now(), self._fault)
        if view != self._shown:
            self._shown = view
            self._face.changed(view)


def _new_id() -> str:
    return secrets.token_hex(8)
