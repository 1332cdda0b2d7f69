"""What a bench measures is kept beside what the others have measured, and decides alone how its run ends."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench.figures import Figure, at_most, p50, p99, times_at_least, told

FIELDS = {"name", "value", "unit", "baseline", "ratio", "goal", "ok"}


def kept(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_what_another_bench_has_measured_stays_and_the_same_figure_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    bench.keep(path, [at_most("start", 4, "ms", 10), told("memory", 80, "MB", baseline=160)])
    bench.keep(path, [at_most("start", 12, "ms", 10), times_at_least("requests", 900, "/s", 300, 2)])
    found = {one["name"]: one for one in kept(path)}
    assert [(name, one["value"], one["ok"]) for name, one in found.items()] == [
        ("start", 12, False), ("memory", 80, True), ("requests", 900, True),
    ]  # fmt: skip
    assert all(one.keys() == FIELDS for one in found.values())
    assert found["memory"]["ratio"] == 0.5
    assert [one.name for one in path.parent.iterdir()] == ["bench.json"]


@pytest.mark.parametrize(("limit", "code"), [(10, 0), (1, 1)])
def test_only_a_goal_of_this_run_that_is_missed_makes_it_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, code: int
) -> None:
    path = tmp_path / "build" / "bench.json"
    bench.keep(path, [at_most("of another bench", 12, "ms", 10)])

    def run() -> Iterator[Figure]:
        yield at_most("start", 4, "ms", limit)

    monkeypatch.setattr("bench.latency.run", run)
    monkeypatch.setattr("bench.__main__.ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "--force", "latency"])
    assert bench.main() == code
    assert [one["name"] for one in kept(path)] == ["of another bench", "start"]


def test_of_a_hundred_values_one_is_beyond_the_99th_percentile() -> None:
    assert p99(range(1, 101)) == 99
    assert (p99([7]), p50([1, 2, 3]), p50([1, 2, 3, 4])) == (7, 2, 2)
