"""`python -m bench [NAME...]`: measure, print a table, keep it in build/bench.json. 1: a goal is missed, 2: void."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.figures import Figure
from bench.stage import ROOT

BENCHES = ("latency", "endings", "requests", "rest", "kiosk_rest", "heartbeats", "growth", "old_way")
_WAIT_S = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; all if none")
    parser.add_argument("--force", action="store_true", help="measure even on a busy machine")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    console = Console()
    if not asked.force and not _is_idle(console):
        return 2
    about = machine.describe()
    for what, value in about.items():
        console.print(f"[bold]{what}[/bold] {value}", highlight=False)
    figures = [one for name in asked.names or BENCHES for one in _run(console, name)]
    keep(ROOT / "build" / "bench.json", figures)
    console.print(_table(figures))
    missed = [one.name for one in figures if one.ok is False]
    console.print(f"missed: {'; '.join(missed)}" if missed else "every goal is met")
    return 1 if missed else 0


def _is_idle(console: Console) -> bool:
    for _ in range(_WAIT_S // 5):
        busy = machine.busy_share(5)
        if busy <= machine.IDLE:
            return True
        console.print(f"waiting: others use {busy:.0%} of this machine")
    console.print("void: this machine is not idle; --force measures all the same")
    return False


def _run(console: Console, name: str) -> list[Figure]:
    bench = importlib.import_module(f"bench.{name}")
    figures = []
    with console.status(name):
        for figure in bench.run():
            console.print(f"{name}: {figure.name} = {_number(figure.value)} {figure.unit}", highlight=False)
            figures.append(figure)
    return figures


def keep(path: Path, figures: Sequence[Figure]) -> None:
    """Put these figures in the place of those of the same name; what other runs have measured stays."""
    path.parent.mkdir(exist_ok=True)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    merged = {one["name"]: one for one in (*before, *(one.to_json() for one in figures))}
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(list(merged.values()), indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _table(figures: list[Figure]) -> Table:
    table = Table(title="What it costs and how quick it is")
    table.add_column("figure")
    for column in ("value", "unit", "baseline", "ratio", "goal", "ok"):
        table.add_column(column, justify="left" if column == "unit" else "right")
    for one in figures:
        verdict = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}[one.ok]
        cells = (_number(one.value), one.unit, _number(one.baseline), _number(one.ratio), one.goal, verdict)
        table.add_row(one.name, *cells)
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
