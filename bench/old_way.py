"""What counting down in the database costs: one saved row per session per second."""

from collections.abc import Iterator

from bench import seed
from bench.baseline_orm import save_each_session
from bench.figures import Figure, told
from bench.stage import stage

SESSIONS = 10_000


def run() -> Iterator[Figure]:
    """At how many sessions the old way needs more than its second, and what 10,000 would need."""
    with stage() as made:
        seed.fill(made, SESSIONS)
        orm = save_each_session(made, SESSIONS)
    yield told("old way: sessions at which one save each takes a whole second", orm.per_second, "sessions")
    yield told("old way: processor for 10,000 sessions", 100 * SESSIONS * orm.cpu_each_s, "% of a core")
