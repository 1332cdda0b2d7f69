"""Instants as people read them: by the clock of the place that they are about, its zone beside. Programs get UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec


@dataclass(frozen=True)
class Zones:
    """The zone of the deployment, and that of each site by its slug."""

    usual: str
    sites: Mapping[str, str] = field(default_factory=dict)

    def of(self, thing: Any) -> str:
        """The zone of what is at a site or is one; else the deployment's."""
        own = getattr(thing, "zone", None) or self.sites.get(str(getattr(thing, "site", None)))
        return own or self.usual


def local(at: datetime, zone: str) -> str:
    """The day and the time there, with the name of the zone or how far it is from UTC."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def time_of_day(at: datetime, zone: str) -> str:
    """The time there, for what is shown as it happens: whoever shows it says the zone once."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def in_utc(value: Any) -> Any:
    """Any value as plain parts, with its instants in UTC."""
    return _each(msgspec.to_builtins(value, builtin_types=(datetime,)), lambda at: at.astimezone(UTC))


def in_words(value: Any, zone: str) -> Any:
    """Any value as plain parts, with its instants as people read them."""
    return _each(msgspec.to_builtins(value, builtin_types=(datetime,)), lambda at: local(at, zone))


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, datetime):
        return change(value)
    if isinstance(value, dict):
        return {name: _each(inner, change) for name, inner in value.items()}
    return [_each(inner, change) for inner in value] if isinstance(value, list) else value
