"""What postes cost when nothing happens, and how long a new controller needs to drive them."""

import secrets
import time
from collections.abc import Iterator

from bench import seed
from bench.figures import Figure, at_most, times_at_most, told
from bench.machine import cpu_seconds
from bench.stage import Stage, said, stage, wait_said
from fleet.database.leases import TTL
from ppm.parts.process import Child

FEW, MANY = 100, 10_000
REST_S = 30.0
DRIVES_AGAIN_S = 3.0
ALL_AGAIN_S = 10.0
_PERIOD_S = 20.0
_SETTLE_S = 6.0
_WRITES = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables
WHERE relname IN ('session', 'octroi', 'desired', 'log', 'request')
"""
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


def run() -> Iterator[Figure]:
    """100 postes, then 10,000, each with its session and its heartbeats; then the controller goes."""
    with stage(postes=_passwords(FEW)) as made:
        few_cpu, _, _ = _rest(made, *_start(made, FEW))
    yield told(f"at rest: processor for {FEW} postes", 100 * few_cpu, "% of a core")
    passwords = _passwords(MANY)
    with stage(postes=passwords) as made:
        yield from _many(made, few_cpu)


def _many(made: Stage, few_cpu: float) -> Iterator[Figure]:
    controller, swarm = _start(made, MANY)
    cpu, writes, commits = _rest(made, controller, swarm)
    yield at_most(f"at rest: processor for {MANY:,} postes", 100 * cpu, "% of a core", 10)
    yield times_at_most(
        "at rest: cost of a poste at 10,000 against 100", cpu / MANY * 1e6, "us/s", few_cpu / FEW * 1e6, 1.1
    )
    yield at_most("at rest: rows of sessions, ledger, outbox and audit written", writes, "", 0)
    yield told("at rest: transactions a second, whatever the number of postes", commits / REST_S, "/s")
    before, gone = _run_of(swarm, "all"), time.time()
    controller.stop(30)
    controller = made.controller(wait=False)
    first, last = _answered(swarm, before, "first") - gone, _answered(swarm, before, "all") - gone
    yield at_most("restarted: drives again", first, "s", DRIVES_AGAIN_S)
    yield at_most("restarted: every poste has had its answer", last, "s", ALL_AGAIN_S)
    time.sleep(_SETTLE_S)
    before, gone = _run_of(swarm, "all"), time.time()
    controller.kill9()
    made.controller(wait=False)
    first, last = _answered(swarm, before, "first") - gone, _answered(swarm, before, "all") - gone
    ttl = TTL.total_seconds()
    yield at_most("killed: drives again", first, "s", ttl + DRIVES_AGAIN_S)
    yield at_most("killed: every poste has had its answer", last, "s", ttl + ALL_AGAIN_S)


def _passwords(count: int) -> dict[str, str]:
    return {seed.slug(n): secrets.token_hex(8) for n in range(1, count + 1)}


def _start(made: Stage, count: int) -> tuple[Child, Child]:
    seed.fill(made, count)
    controller = made.controller()
    passwords = {account.name: account.password for account in made.postes}
    swarm = made.spawn("bench.swarm_process", {"count": count, "passwords": passwords})
    wait_said(swarm, "connected")
    wait_said(swarm, "all")
    time.sleep(_PERIOD_S + _SETTLE_S)
    _until_nothing_is_written(made)
    return controller, swarm


def _until_nothing_is_written(made: Stage) -> None:
    """Return once all that comes with the arrival of so many postes is in the database."""
    deadline, before = time.monotonic() + 60, -1
    while (now := made.sql(_WRITES)[0][0]) != before and time.monotonic() < deadline:
        before = now
        time.sleep(3)


def _rest(made: Stage, controller: Child, _swarm: Child) -> tuple[float, int, int]:
    """The share of a core that the controller uses, the rows that it writes, the transactions that it makes."""
    writes, commits, cpu = made.sql(_WRITES)[0][0], made.sql(_COMMITS)[0][0], cpu_seconds(controller.pid)
    time.sleep(REST_S)
    used = cpu_seconds(controller.pid) - cpu
    time.sleep(1.5)
    return used / REST_S, int(made.sql(_WRITES)[0][0] - writes), int(made.sql(_COMMITS)[0][0] - commits)


def _run_of(swarm: Child, word: str) -> str:
    return wait_said(swarm, word).split()[0]


def _answered(swarm: Child, before: str, word: str) -> float:
    """When the first, or the last, of the postes was answered by another run of a controller than before."""
    swarm.wait_ready(lambda: (said(swarm, word) or before).split()[0] != before, 60)
    return float((said(swarm, word) or "").split()[1])
