"""Amounts by what they are grouped by and by its key, such as by day and by poste; many of them added up at once.

They are kept as text, each group's keys in order and then all its amounts. What has the same keys, as the days of one
site and the next, is added up row by row: no key is looked up until the end.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import add as plus
from typing import Any

import msgspec

Sums = dict[str, dict[str, list[Any]]]
"""What something adds up to: by what it is grouped by, by its key, the amounts."""
Packed = Mapping[str, tuple[msgspec.Raw, list[int]]]
"""The same as it is kept: by what it is grouped by, the keys, not read yet, and the amounts of them all."""

_keys = msgspec.json.Decoder(list[str]).decode


def pack(sums: Sums) -> str:
    """What is kept of sums."""
    said = {
        name: (sorted(keyed), [amount for key in sorted(keyed) for amount in keyed[key]])
        for name, keyed in sums.items()
        if keyed
    }
    return msgspec.json.encode(said).decode()


@cache
def reader(*names: str) -> Callable[[str], Packed]:
    """Reads these groups of what is kept, or all."""
    if not names:
        return msgspec.json.Decoder(dict[str, tuple[msgspec.Raw, list[int]]]).decode
    nothing = (msgspec.Raw(b"[]"), list[int]())
    fields = [(name, tuple[msgspec.Raw, list[int]], nothing) for name in names]
    decoder = msgspec.json.Decoder(msgspec.defstruct("Kept", fields))
    return lambda kept: msgspec.structs.asdict(decoder.decode(kept))


def total(kept: Iterable[Packed]) -> Sums:
    """What all of them add up to."""
    rows: dict[str, dict[bytes, list[int]]] = {}
    for one in kept:
        for name, (keys, amounts) in one.items():
            same, known = rows.setdefault(name, {}), bytes(keys)
            same[known] = list(map(plus, same[known], amounts)) if known in same else amounts
    return {name: _by_key(same) for name, same in rows.items()}


def _by_key(rows: Mapping[bytes, list[int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for said, amounts in rows.items():
        keys = _keys(said)
        width = len(amounts) // max(1, len(keys))
        for number, key in enumerate(keys):
            mine = amounts[number * width : (number + 1) * width]
            found[key] = list(map(plus, found[key], mine)) if key in found else mine
    return found


def add(sums: Sums, name: str, key: str, amounts: list[Any]) -> None:
    """Add amounts to those of a key."""
    keyed = sums.setdefault(name, {})
    keyed[key] = list(map(plus, keyed[key], amounts)) if key in keyed else amounts
