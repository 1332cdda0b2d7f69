"""One measured figure, with what it is compared to and what it must be."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ok` is None for a figure that is only told. `ratio` is value over baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok is not False}


def told(name: str, value: float, unit: str, baseline: float | None = None) -> Figure:
    """A figure without a goal."""
    return Figure(name, value, unit, baseline, _ratio(value, baseline))


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """It must not be more than `limit`."""
    return Figure(name, value, unit, goal=f"<= {limit:g} {unit}", ok=value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Figure:
    """It must not be less than `limit`."""
    return Figure(name, value, unit, goal=f">= {limit:g} {unit}", ok=value >= limit)


def times_at_most(name: str, value: float, unit: str, baseline: float, times: float) -> Figure:
    """It must not be more than so many times the baseline of the same run."""
    return Figure(
        name, value, unit, baseline, _ratio(value, baseline), f"<= {times:g} x", value <= times * baseline
    )


def times_at_least(name: str, value: float, unit: str, baseline: float, times: float) -> Figure:
    """It must not be less than so many times the baseline of the same run."""
    return Figure(
        name, value, unit, baseline, _ratio(value, baseline), f">= {times:g} x", value >= times * baseline
    )


def _ratio(value: float, baseline: float | None) -> float | None:
    return value / baseline if baseline else None


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that a share of them does not exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def p50(values: Sequence[float]) -> float:
    return quantile(values, 0.50)


def p99(values: Sequence[float]) -> float:
    return quantile(values, 0.99)
