"""The work of an agent: what each turn of the machine wants is done in its order, and what fails is another turn."""

import contextlib
import logging
from collections import deque
from collections.abc import Callable

from kiosk_agent import effects
from kiosk_agent.broker import Loop
from kiosk_agent.doing import Doing
from kiosk_agent.machine import Machine
from kiosk_agent.platform.base import PlatformError
from kiosk_agent.store import Store, StoreError

log = logging.getLogger(__name__)
LOCK_AGAIN_S = 1.0
"""When a machine that would not lock is told again."""


class Work:
    """`after` is called when a turn and all that came of it is done.

    `over` ends it: nothing is done any more. While `blind`, with no window before the visitor, nothing is unlocked.
    """

    def __init__(
        self, machine: Machine, doing: Doing, store: Store, loop: Loop, now: Callable[[], int],
        after: Callable[[], None],
    ) -> None:  # fmt: skip
        self.over = False
        self.blind = False
        self._machine = machine
        self._doing = doing
        self._store = store
        self._loop = loop
        self._now = now
        self._after = after
        self._turns: deque[list[effects.Effect]] = deque()
        self._at_work = False
        self._storage_ok = True
        self._failing: set[str] = set()

    def do(self, wanted: list[effects.Effect]) -> None:
        """Do what one turn of the machine wants, then sleep until it wants more.

        A turn that begins while another is being done (something failed) is done after it, in its order.
        """
        if self.over:
            return
        self._turns.append(wanted)
        if self._at_work:
            return
        self._at_work = True
        try:
            while self._turns and not self.over:
                self._do_all(self._turns.popleft())
        finally:
            self._at_work = False
        if not self.over:
            self._after()
            if self._store.held_unsynced:
                self._loop.call_later(0, self._sync_held)  # after the words of this turn have left

    def trouble(self, what: str, detail: str) -> None:
        """Something that a human should know."""
        self.do(self._machine.trouble(self._now(), what, detail[:200]))

    # -------------------------------------------------------------- in order

    def _do_all(self, wanted: list[effects.Effect]) -> None:
        for position, effect in enumerate(wanted):
            if self.over or (isinstance(effect, effects.Unlock) and not self._may_unlock):
                continue
            try:
                self._doing.do(effect)
            except StoreError as error:
                if self._unwritten(wanted[position:], error):
                    return
            except (PlatformError, OSError) as error:
                self._platform_failed(effect, wanted[position:], error)
                if isinstance(effect, effects.Unlock):
                    return
            else:
                self._worked(effect)

    @property
    def _may_unlock(self) -> bool:
        lending = self._machine.lending
        return lending.held.by_hand is not None or (lending.unlocked and not self.blind)

    def _worked(self, effect: effects.Effect) -> None:
        """What fails next is news again."""
        if isinstance(effect, effects.Persist):
            self._machine.written(self._now(), done=True)
        if isinstance(effect, effects.Persist | effects.Remember | effects.Record):
            self._storage_ok = True
        elif isinstance(effect, effects.Lock | effects.Unlock):
            self._failing.clear()

    # -------------------------------------------------------------- the disk

    def _sync_held(self) -> None:
        try:
            self._store.sync_held()
        except StoreError as error:
            self._unwritten([effects.Persist(self._machine.lending.held)], error)

    def _unwritten(self, undone: list[effects.Effect], error: StoreError) -> bool:
        """The disk failed. True if what follows must not be done without it."""
        first, self._storage_ok = self._storage_ok, False
        if first:
            log.error("store_failed", extra={"error": str(error)})
        if isinstance(undone[0], effects.Persist):
            self._not_held_on_disk()
        needs_disk = any(isinstance(one, effects.Unlock) for one in undone) or isinstance(
            undone[0], effects.Remember
        )
        if needs_disk:
            self.do(self._machine.undone(self._now(), undone, "storage"))
        if first:
            self.trouble("state_unwritable", str(error))
        return needs_disk

    def _not_held_on_disk(self) -> None:
        """What the disk still says would be taken up by the next agent: an ended session must not be."""
        self._machine.written(self._now(), done=False)
        if self._store.would_unlock and not self._machine.lending.unlocked:
            with contextlib.suppress(StoreError):
                self._store.forget_held()

    # -------------------------------------------------------------- the machine

    def _platform_failed(
        self, effect: effects.Effect, undone: list[effects.Effect], error: PlatformError | OSError
    ) -> None:
        what = f"{type(effect).__name__.lower()}_failed"
        log.error("platform_failed", extra={"what": what, "error": str(error)})
        if isinstance(effect, effects.Unlock):
            self.do(self._machine.undone(self._now(), undone, what))
        elif isinstance(effect, effects.Lock):
            self._loop.call_later(LOCK_AGAIN_S, self._lock_again)
        if what not in self._failing:
            self._failing.add(what)
            self.trouble(what, str(error))

    def _lock_again(self) -> None:
        if not self.over and not self._may_unlock:
            self.do([effects.Lock()])
