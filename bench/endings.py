"""How exactly sessions end: committed and acknowledged by the broker after the end of the grace."""

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench import seed
from bench.figures import Figure, at_most, p50, p99, told
from bench.stage import Stage, calm, said, stage
from ppm.parts.process import Child

ARMED = 100_000
GRACE_S = 1
LEAD_S = 10.0
PER_SECOND = 1_000
EVENLY, SAME_SECOND, INSTANT = 10_000, 1_000, 10_000

_SPREAD = """
UPDATE session SET fin_prevue = to_timestamp(:begin) + make_interval(secs => (mine.n - 1) / :rate)
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM session WHERE statut = 'active' ORDER BY id LIMIT :count)
    AS mine
WHERE session.id = mine.id
"""
_AT_ONCE = """
UPDATE session SET fin_prevue = to_timestamp(:begin)
WHERE id IN (SELECT id FROM session WHERE statut = 'active' ORDER BY id LIMIT :count)
"""


def run() -> Iterator[Figure]:
    """100,000 sessions armed; some of them end evenly, on one second, at one instant."""
    with stage(policy={"grace_s": GRACE_S}) as made:
        seed.fill(made, ARMED)
        record = made.folder / "record"
        begun = time.monotonic()
        controller = made.controller(record=str(record))
        yield told("100,000 sessions: started, published and armed", time.monotonic() - begun, "s")
        made.settle()
        ends = {
            "evenly": _end(made, controller, _SPREAD, EVENLY, rate=float(PER_SECOND)),
            "second": _end(made, controller, _AT_ONCE, SAME_SECOND),
            "instant": _end(made, controller, _AT_ONCE, INSTANT),
        }
        controller.stop(30)
        lateness = _lateness(made, record)
    evenly, second, instant = (_of(lateness, *ends[name]) for name in ("evenly", "second", "instant"))
    yield told("1,000 a second: committed, p50", p50(evenly[0]), "ms")
    yield at_most("1,000 a second: committed, p99", p99(evenly[0]), "ms", 10)
    yield told("1,000 a second: acknowledged by the broker, p99", p99(evenly[1]), "ms")
    yield at_most("1,000 on one second: committed, p99", p99(second[0]), "ms", 50)
    yield at_most("1,000 on one second: acknowledged, last", max(second[1]), "ms", 200)
    yield told("10,000 at one instant: committed, last", max(instant[0]) / 1000, "s")
    yield at_most("10,000 at one instant: all out", max(instant[1]) / 1000, "s", 2)
    missing = EVENLY + SAME_SECOND + INSTANT - sum(len(one[0]) for one in (evenly, second, instant))
    yield at_most("sessions without their end", missing, "", 0)
    yield at_most("breaks in the audit trail, by number or hash", lateness.breaks, "", 0)


def _end(made: Stage, controller: Child, statement: str, count: int, **values: float) -> tuple[float, float]:
    """Let so many sessions end, and wait for it. From when to when their grace ended (unix time)."""
    begin = time.time() + LEAD_S
    made.sql(statement, begin=begin, count=count, **values)
    swept = said(controller, "swept")
    controller.signal(signal.SIGUSR1)
    while said(controller, "swept") == swept:
        time.sleep(0.05)
    last = begin + GRACE_S + count / values.get("rate", 1e9)
    if time.time() > begin + GRACE_S:
        raise TimeoutError("arming took too long")
    time.sleep(last - time.time() + 1)
    calm(controller)
    return begin + GRACE_S, last + 1e-3


class _Lateness:
    """By session: when its grace ended, when that was committed, when its poste's new state was out."""

    def __init__(self, rows: list[tuple[float, float, float]], breaks: int) -> None:
        self.rows, self.breaks = rows, breaks


def _lateness(made: Stage, record: Path) -> _Lateness:
    committed: dict[int, float] = {}
    published: dict[int, float] = {}
    for line in record.read_text().splitlines():
        kind, one, instant = line.split()
        (committed if kind == "committed" else published)[int(one)] = float(instant)
    ended = made.sql("SELECT id, poste_id, fin_prevue FROM session WHERE statut = 'expiree'")
    rows = [(_due(row.fin_prevue), committed[row.id], published[row.poste_id]) for row in ended]
    return _Lateness(rows, len(made.broken_chains()))


def _due(end: datetime) -> float:
    return end.timestamp() + GRACE_S


def _of(lateness: _Lateness, begin: float, end: float) -> tuple[list[float], list[float]]:
    mine = [row for row in lateness.rows if begin - 1e-3 <= row[0] < end]
    return [(done - due) * 1000 for due, done, _ in mine], [(out - due) * 1000 for due, _, out in mine]
