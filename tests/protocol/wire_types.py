"""The messages of the wire by reflection, and hypothesis strategies that build any of them."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from protocol import codec, messages
from protocol.topics import TOPICS, Topic

Struct = type[msgspec.Struct]
Decode = Callable[[bytes], Any]

_OFFSETS = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC) | _OFFSETS)  # noqa: DTZ001


def decoders() -> dict[str, Decode]:
    """How each kind of payload is decoded, by the name of its topic."""
    found: dict[str, Decode] = {topic.name: _decoder(topic) for topic in TOPICS}
    return found | {"_controller": codec.decode_controller_status}


def _decoder(topic: Topic) -> Decode:
    return lambda payload: codec.decode(topic, payload)


def carried() -> list[tuple[str, Struct]]:
    """Each topic's name with each message that it carries."""
    by_topic = [(t.name, s) for t in TOPICS for s in get_args(t.payload) or (t.payload,)]
    return [*by_topic, ("_controller", messages.ControllerStatus)]


def fields(struct: Struct) -> tuple[inspect.Field, ...]:
    """The fields of a message, without the one that tells it from its siblings."""
    return described(struct).fields


def described(struct: Struct) -> inspect.StructType:
    """What msgspec knows of a message."""
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    return kind


def required(struct: Struct) -> list[str]:
    """The fields that a message must have, the telling one among them."""
    kind = described(struct)
    names = [field.name for field in kind.fields if field.required]
    return [*names, kind.tag_field] if kind.tag_field else names


def types(struct: Struct) -> Iterator[inspect.Type]:
    """Every type within a message, inner ones too."""
    for field in fields(struct):
        yield from _inner(field.type)


def _inner(kind: inspect.Type) -> Iterator[inspect.Type]:
    yield kind
    match kind:
        case inspect.Metadata(type=one) | inspect.VarTupleType(item_type=one):
            yield from _inner(one)
        case inspect.UnionType(types=several):
            for one in several:
                yield from _inner(one)
        case inspect.StructType(cls=cls):
            yield from types(cls)


@cache
def a_message(struct: Struct) -> st.SearchStrategy[msgspec.Struct]:
    """Any value of a message, inside its bounds."""
    return st.builds(struct, **{field.name: _values(field.type) for field in fields(struct)})


def as_object(message: msgspec.Struct) -> dict[str, Any]:
    """A message as a JSON object, so that a test can spoil it."""
    found: dict[str, Any] = json.loads(codec.encode(message))
    return found


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.IntType(ge=least, le=most):
            return st.integers(least, most)
        case inspect.FloatType(ge=least, le=most):
            return st.floats(least, most)
        case inspect.StrType():
            return _strings(kind)
        case inspect.DateTimeType():
            return _INSTANTS
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.Metadata(type=inner):
            return _values(inner)
        case _:
            return _containers(kind)


def _containers(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of(*map(_values, types))
        case inspect.VarTupleType(item_type=item, max_length=most):
            return st.lists(_values(item), max_size=min(most or 0, 8)).map(tuple)
        case inspect.StructType(cls=cls):
            return a_message(cls)
        case _:
            raise AssertionError(f"no strategy for {kind}")


def _strings(kind: inspect.StrType) -> st.SearchStrategy[str]:
    if kind.pattern:
        pattern = re.compile(kind.pattern)
        return st.from_regex(pattern, fullmatch=True).filter(lambda text: pattern.search(text) is not None)
    assert kind.max_length, "a string without a bound"
    letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r")
    return st.text(letters, min_size=kind.min_length or 0, max_size=min(kind.max_length, 64))
