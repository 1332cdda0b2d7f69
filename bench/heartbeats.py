"""How many heartbeats the controller takes: decoded, conflated, stored; beside a subscriber that does nothing."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from bench import seed
from bench.baseline_orm import save_each_beat
from bench.figures import Figure, at_least, at_most, p50, times_at_least, told
from bench.machine import cpu_seconds
from bench.stage import Stage, stage, wait_said
from fleet.database import leases
from fleet.usecases import presence
from ppm.parts.process import Child

POSTES = 10_000
SECONDS = 11.0
BARE_SECONDS = 5.0
_UNSTORED = "SELECT count(*) FROM presence WHERE remaining_ms IS DISTINCT FROM 3600000 + poste_id"


def run() -> Iterator[Figure]:
    """The controller between two runs of the bare subscriber, so that a machine that slows down slows both."""
    with stage() as made:
        seed.fill(made, POSTES)
        before = _bare(made)
        controller = made.controller()
        taken, cpu = _publish(made, controller, SECONDS)
        controller.stop(30)
        unstored = made.sql(_UNSTORED)[0][0]
        after = _bare(made)
        (bare, bare_cpu) = max(before, after)
        yield told("heartbeats: bare aiomqtt subscriber", bare, "/s")
        yield times_at_least("heartbeats: decoded, conflated, stored", taken, "/s", bare, 0.85)
        yield told("heartbeats: processor for each", cpu, "us", bare_cpu)
        yield at_most("heartbeats: postes whose last one is not stored", unstored, "", 0)
        orm = save_each_beat(made, POSTES)
        yield told("heartbeats: one ORM save each", orm.per_second, "/s")
        yield times_at_least("heartbeats: against one ORM save each", taken, "/s", orm.per_second, 15)
        yield at_least("heartbeats: rows stored in batches", _stored(made), "/s", 50_000)


def _bare(made: Stage) -> tuple[float, float]:
    subscriber = made.spawn("bench.baseline_subscriber")
    wait_said(subscriber, "driving")
    measured = _publish(made, subscriber, BARE_SECONDS)
    subscriber.kill9()
    return measured


def _publish(made: Stage, subscriber: Child, seconds: float) -> tuple[float, float]:
    """How many heartbeats the subscriber takes a second, and what each costs it of the processor, in us."""
    before = cpu_seconds(subscriber.pid)
    publisher = made.spawn("bench.beats_process", {"count": POSTES, "seconds": seconds})
    rate, taken = (float(word) for word in wait_said(publisher, "rate").split())
    return rate, (cpu_seconds(subscriber.pid) - before) / taken * 1e6


def _stored(made: Stage) -> float:
    """Rows a second, in batches of 10,000, in the median of some."""
    with made.fleet.database.transaction() as tx:
        lease = leases.acquire(tx.connection, made.site_id, "bench", tx.now)
    if lease is None:
        raise RuntimeError("the lease of the site is held")
    taken = []
    for n in range(5):
        now = datetime.now(UTC)
        heard = [presence.Beat(one, now, "active", 1, 1000 + n, 7, 0.25) for one in range(1, POSTES + 1)]
        begun = time.perf_counter()
        presence.beats(made.fleet, lease, heard)
        taken.append(time.perf_counter() - begun)
    return POSTES / p50(taken)
