"""What commands print: tables for people, JSON for programs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ppm import instants, words
from ppm.instants import Zones

_WIDE = 200
"""Columns of a table that goes into a file or a pipe: nothing is cut."""
_UTC = Zones("UTC")
F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """The option by which a command prints JSON, and nothing else, on its standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def as_json(value: Any) -> None:
    """Print one JSON document; its instants are in UTC."""
    click.echo(msgspec.json.format(msgspec.json.encode(instants.in_utc(value)), indent=2).decode())


def rows(values: Sequence[Any], columns: Mapping[str, str], as_json_too: bool, zones: Zones = _UTC) -> None:
    """Print a list: a JSON array of whole values, or a table of `columns` (field: heading), each by its own clock."""
    if as_json_too:
        as_json(values)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns.values():
        table.add_column(words.heading(heading), overflow="fold")
    for value in values:
        zone = zones.of(value)
        table.add_row(*(Text(cell(getattr(value, field), zone)) for field in columns))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(table)


def facts(value: Any, as_json_too: bool, zones: Zones) -> None:
    """Print one thing: a JSON object, or a line for each field."""
    if as_json_too:
        as_json(value)
        return
    named: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    width, zone = max(map(len, named)), zones.of(value)
    for field, content in named.items():
        click.echo(f"{field:<{width}}  {cell(content, zone)}")


def done(line: str, value: Mapping[str, Any], as_json_too: bool) -> None:
    """Print what was done, in a line or as JSON."""
    if as_json_too:
        as_json(value)
    else:
        click.echo(line)


def cell(value: Any, zone: str) -> str:
    """A value as people read it there."""
    match value:
        case None | "":
            return "-"
        case bool():
            return words.say("yes" if value else "no")
        case datetime():
            return instants.local(value, zone)
        case list() | tuple():
            return ", ".join(cell(one, zone) for one in value) or "-"
        case dict():
            return msgspec.json.encode(instants.in_words(value, zone)).decode()
    return str(value)
