"""Steps and faults that a test plants in a part, by wrapping functions of the running process.

A step is a moment: before or after the n-th call of a function, perhaps only within another one. When it comes,
the process dies as by kill -9, or stands still until the test lets it go on.
"""

import importlib
import inspect
import os
import signal
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from functools import wraps
from types import ModuleType
from typing import Any, Literal

LONGEST_HOLD_S = 30


@dataclass(frozen=True)
class Step:
    """`do` it when `at` (a dotted name) is called for the `nth` time, or has returned from that call."""

    when: Literal["before", "after"]
    at: str
    within: str = ""
    nth: int = 1
    do: Literal["die", "hold"] = "die"

    def __str__(self) -> str:
        inside = f" within {_short(self.within)}" if self.within else ""
        return f"{self.when} {_short(self.at)}{inside}" + (f", {self.nth}." if self.nth > 1 else "")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _short(name: str) -> str:
    return ".".join(name.split(".")[-2:])


class Planter:
    """Plants steps in this process. `reached` is told of a step at which the process stands still."""

    def __init__(self, reached: Callable[[Step], None]) -> None:
        self._reached = reached
        self._go_on = threading.Event()

    def plant(self, step: Step) -> None:
        inside = _entered(step.within) if step.within else None
        count = _Count(step.nth)

        def here() -> None:
            if (inside is None or inside.get()) and count.comes():
                self._act(step)

        _wrap(step.at, **{step.when: here})

    def release(self) -> None:
        """Go on."""
        self._go_on.set()

    def _act(self, step: Step) -> None:
        if step.do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        self._go_on.clear()
        self._reached(step)
        self._go_on.wait(LONGEST_HOLD_S)


class _Count:
    """True once, at the n-th call."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._lock = threading.Lock()

    def comes(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


def _nothing() -> None:
    return None


def _entered(name: str) -> ContextVar[bool]:
    """A variable that is true while a function runs, in its own thread or task."""
    inside: ContextVar[bool] = ContextVar(name, default=False)
    owner, attribute, function = resolve(name)

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def entered_async(*args: Any, **kwargs: Any) -> Any:
            token = inside.set(True)
            try:
                return await function(*args, **kwargs)
            finally:
                inside.reset(token)

        setattr(owner, attribute, entered_async)
        return inside

    @wraps(function)
    def entered(*args: Any, **kwargs: Any) -> Any:
        token = inside.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            inside.reset(token)

    setattr(owner, attribute, entered)
    return inside


def _wrap(name: str, before: Callable[[], None] = _nothing, after: Callable[[], None] = _nothing) -> None:
    owner, attribute, function = resolve(name)
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def around_async(*args: Any, **kwargs: Any) -> Any:
            before()
            result = await function(*args, **kwargs)
            after()
            return result

        setattr(owner, attribute, around_async)
        return

    @wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        before()
        result = function(*args, **kwargs)
        after()
        return result

    setattr(owner, attribute, around)


def resolve(name: str) -> tuple[Any, str, Callable[..., Any]]:
    """What holds a function, under which name, and the function."""
    owner, rest = _module(name)
    *path, attribute = rest
    for part in path:
        owner = getattr(owner, part)
    function = inspect.getattr_static(owner, attribute)
    if not callable(function):
        raise TypeError(f"{name} is not a function")
    return owner, attribute, function


def _module(name: str) -> tuple[Any, list[str]]:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module: ModuleType = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return module, parts[length:]
    raise ModuleNotFoundError(name)
