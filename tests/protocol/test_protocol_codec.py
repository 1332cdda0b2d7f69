"""Any bytes are a message or one error, and a message survives its journey."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from ppm.docs.examples import example
from protocol import codec
from protocol.codec import MAX_BYTES, BadMessage
from tests.protocol.wire_types import Struct, a_message, as_object, carried, decoders, required, types

DECODERS = decoders()
CARRIED = carried()
EACH_MESSAGE = pytest.mark.parametrize(
    ("topic", "struct"), CARRIED, ids=[f"{t}-{s.__name__}" for t, s in CARRIED]
)
FEW = settings(max_examples=25, deadline=None)  # for each of 12 topics or 29 messages
EACH_TOPIC = pytest.mark.parametrize("topic", DECODERS)


def _json(numbers: st.SearchStrategy[Any], letters: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    text = st.text(letters, max_size=20)
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


any_json = _json(st.floats(), st.characters())
proper_json = _json(
    st.floats(allow_nan=False, allow_infinity=False),
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r"),
)
NASTY = [
    b"",
    b"null",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"[" * MAX_BYTES,
    b'{"a":' * 3_000,
    b'{"x":' + b"[" * 8_000 + b"]" * 8_000 + b"}",
    b'{"online":true,"boot":"b","connection":' + b"9" * 5_000 + b"}",
    b'{"online":true,"boot":"b","connection":-1}',
    b'{"online":true,"boot":"b","connection":1e400}',
    b'{"online":true,"boot":"b","connection":NaN}',
    b'{"online":true,"boot":"b","connection":Infinity}',
    b'{"online":true,"boot":"b","connection":true}',
    b'{"online":true,"boot":"b","connection":1,"reason":"\\ud800"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"\xed\xa0\x80"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"a\\u0000b"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"\\\\\\u001b[2J"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"a\\bb"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"a\\u009Bb"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"a\x7fb"}',
    b'{"online":true,"boot":"b","connection":1,"reason":"a\xc2\x9bb"}',
    b'{"online":true,"boot":"b\\n","connection":1}',
    b'{"op":"start","op":"resync","op":[]}',
    b'{"op":{"op":"start"}}',
    b'{"computed_at":"0001-01-01T00:00:00+23:59","term":1,"rev":1,"phase":"lurking"}',
    b'{"computed_at":"2026-11-20T09:30:00","term":1,"rev":1,"phase":"locked"}',
    b'{"computed_at":1795000000,"term":1,"rev":1,"phase":"locked"}',
    b'{"x":"' + b"a" * MAX_BYTES + b'"}',
]


def a_message_or_one_error(topic: str, payload: bytes) -> Any:
    try:
        return DECODERS[topic](payload)
    except BadMessage as error:
        _is_well_told(error, payload)
        return None


def _is_well_told(error: BadMessage, payload: bytes) -> None:
    assert error.reason in {"too_large", "not_json", "bad_field"}
    assert error.size == len(payload)
    str(error).encode()  # it can be logged


@EACH_TOPIC
@FEW
@given(payload=st.binary(max_size=300))
def test_any_bytes_are_a_message_or_one_error(topic: str, payload: bytes) -> None:
    a_message_or_one_error(topic, payload)


@EACH_TOPIC
@FEW
@given(value=any_json)
def test_any_json_is_a_message_or_one_error(topic: str, value: Any) -> None:
    a_message_or_one_error(topic, json.dumps(value).encode())


@EACH_MESSAGE
@FEW
@given(data=st.data())
def test_a_damaged_message_is_a_message_or_one_error(topic: str, struct: Struct, data: st.DataObject) -> None:
    payload = bytearray(codec.encode(data.draw(a_message(struct))))
    start = data.draw(st.integers(0, len(payload)))
    payload[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    a_message_or_one_error(topic, bytes(payload))


@EACH_MESSAGE
@FEW
@given(data=st.data())
def test_a_field_of_any_other_type_is_a_message_or_one_error(
    topic: str, struct: Struct, data: st.DataObject
) -> None:
    value = as_object(data.draw(a_message(struct)))
    value[data.draw(st.sampled_from(sorted(value)))] = data.draw(any_json)
    a_message_or_one_error(topic, json.dumps(value).encode())


@EACH_TOPIC
@pytest.mark.parametrize("payload", NASTY, ids=range(len(NASTY)))
def test_what_has_broken_other_decoders_is_refused(topic: str, payload: bytes) -> None:
    assert a_message_or_one_error(topic, payload) is None


def test_a_payload_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    status = b'{"online":true,"boot":"b","connection":1,"later":"%s"}'
    room = MAX_BYTES - len(status % b"")
    assert DECODERS["up/status"](status % (b"a" * room)).boot == "b"
    with pytest.raises(BadMessage, match="too_large"):
        DECODERS["up/status"](status % (b"a" * (room + 1)))


CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "as it is"])
@pytest.mark.parametrize("character", CONTROLS, ids=[f"{ord(one):02x}" for one in CONTROLS])
def test_only_the_control_characters_of_a_layout_are_taken(character: str, ascii_only: bool) -> None:
    told = {"online": True, "boot": "b", "connection": 1, "reason": f"\\{character}"}
    payload = json.dumps(told, ensure_ascii=ascii_only).encode()
    read = a_message_or_one_error("up/status", payload)
    assert (read is not None) == (character in "\t\n\r")
    assert codec.plain(f"a{character}b") == (f"a{character}b" if read else "ab")


def test_a_backslash_before_a_u_is_only_a_backslash() -> None:
    told = {"online": True, "boot": "b", "connection": 1, "reason": r"a\u001b\b é"}
    assert DECODERS["up/status"](json.dumps(told).encode()).reason == r"a\u001b\b é"


@EACH_MESSAGE
@FEW
@given(data=st.data())
def test_a_message_arrives_as_it_left(topic: str, struct: Struct, data: st.DataObject) -> None:
    message = data.draw(a_message(struct))
    assert DECODERS[topic](codec.encode(message)) == message


@EACH_MESSAGE
@FEW
@given(data=st.data(), news=proper_json)
def test_fields_that_nobody_knows_yet_are_ignored(
    topic: str, struct: Struct, data: st.DataObject, news: Any
) -> None:
    message = data.draw(a_message(struct))
    value = as_object(message)
    for part in _objects(value):
        part["a_field_of_tomorrow"] = news
    assert DECODERS[topic](json.dumps(value).encode()) == message


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [part for item in value for part in _objects(item)]
    if isinstance(value, dict):
        return [part for item in value.values() for part in _objects(item)] + [value]
    return []


@EACH_MESSAGE
def test_a_message_without_a_required_field_is_refused_by_its_name(topic: str, struct: Struct) -> None:
    for missing in required(struct):
        value = as_object(example(struct))
        del value[missing]
        with pytest.raises(BadMessage, match=f"`{missing}`"):
            DECODERS[topic](json.dumps(value).encode())


@EACH_MESSAGE
def test_every_string_list_and_number_of_the_wire_is_bounded(topic: str, struct: Struct) -> None:
    for kind in types(struct):
        if isinstance(kind, inspect.StrType):
            assert kind.max_length or kind.pattern
        if isinstance(kind, inspect.VarTupleType):
            assert kind.max_length
        if isinstance(kind, inspect.IntType | inspect.FloatType):
            assert kind.ge is not None
            assert kind.le is not None


def test_a_request_that_does_not_decode_can_still_be_refused_by_its_id() -> None:
    assert codec.request_id(b'{"id":"q-1","nonce":"n-1","op":"dance"}') == ("q-1", "n-1")


@pytest.mark.parametrize(
    "payload",
    [
        b"junk",
        b"{}",
        b'{"id":"q-1"}',
        b'{"id":1,"nonce":"n"}',
        b'{"id":"a b","nonce":"n"}',
        b'{"id":"","nonce":"n"}',
    ],
)
def test_a_request_without_a_usable_id_and_nonce_gets_no_answer(payload: bytes) -> None:
    assert codec.request_id(payload) is None


@settings(deadline=None)
@given(payload=st.binary(max_size=300))
def test_asking_for_the_id_of_any_bytes_never_fails(payload: bytes) -> None:
    codec.request_id(payload)
