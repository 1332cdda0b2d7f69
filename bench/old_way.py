"""What counting down in the database costs, one saved row per session per second, beside deadlines."""

import time
from collections.abc import Iterator

from bench import seed
from bench.baseline_orm import save_each_session
from bench.figures import Figure, told
from bench.machine import cpu_seconds
from bench.stage import stage

SESSIONS = 10_000
WATCHED_S = 15.0


def run() -> Iterator[Figure]:
    """At how many sessions the old way needs more than its second, and what 10,000 cost in both ways."""
    with stage() as made:
        seed.fill(made, SESSIONS)
        orm = save_each_session(made, SESSIONS)
        controller = made.controller()
        before = cpu_seconds(controller.pid)
        time.sleep(WATCHED_S)
        ours = (cpu_seconds(controller.pid) - before) / WATCHED_S
    old = SESSIONS * orm.cpu_each_s
    yield told("old way: sessions at which one save each takes a whole second", orm.per_second, "sessions")
    yield told("old way: processor for 10,000 sessions", 100 * old, "% of a core")
    yield told("deadlines: processor for 10,000 sessions", 100 * ours, "% of a core", 100 * old)
