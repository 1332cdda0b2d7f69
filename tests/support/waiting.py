"""Waiting for something to become true, with a limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")
_STEP_S = 0.01


def wait_until(predicate: Callable[[], T], timeout_s: float = 5, what: str = "") -> T:
    """The first true value of `predicate`. Fails the test after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(_late(what, timeout_s, value))
        time.sleep(_STEP_S)
    return value


async def eventually(predicate: Callable[[], T | Awaitable[T]], timeout_s: float = 5, what: str = "") -> T:
    """The same in a running loop; `predicate` may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while not (value := await _value(predicate)):
        if time.monotonic() > deadline:
            raise AssertionError(_late(what, timeout_s, value))
        await asyncio.sleep(_STEP_S)
    return value


async def _value(predicate: Callable[[], T | Awaitable[T]]) -> T:
    value = predicate()
    return await value if isawaitable(value) else value


def _late(what: str, timeout_s: float, value: object) -> str:
    return f"not {what or 'true'} after {timeout_s:g} s: {value!r}"
