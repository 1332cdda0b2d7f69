"""Doing something in several threads at the same instant."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(number: int, work: Callable[[int], T]) -> list[T]:
    """What each of so many threads got, in their order; each is told its own number from 0 on."""
    ready = threading.Barrier(number)

    def run(which: int) -> T:
        ready.wait(30)
        return work(which)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))
