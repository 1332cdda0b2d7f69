"""Bytes to message and back, with one error. Decode once, at the edge; refuse there."""

import re
import unicodedata
from functools import cache
from typing import Any

import msgspec

from protocol.messages import ControllerStatus, Id
from protocol.topics import Topic

MAX_BYTES = 16_384
"""The largest payload that anyone accepts. The broker refuses larger packets too."""

# No text of ours needs a control character, PostgreSQL stores no NUL, and a terminal obeys the others. Escaped (an
# escaped backslash before the `u` is none), or as UTF-8 where JSON allows it: DEL and U+0080 to U+009F.
_CONTROL = re.compile(
    rb"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F]))|\x7f|\xc2[\x80-\x9f]"
)
_KEPT = "\t\n\r"


class BadMessage(Exception):
    """A payload that is not what its topic carries. `reason` is a code: too_large, not_json or bad_field."""

    def __init__(self, reason: str, detail: str, size: int) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.size = size


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


_encoder = msgspec.json.Encoder()


def encode(message: object) -> bytes:
    """The payload of a message of `protocol.messages`."""
    return _encoder.encode(message)


def plain(text: str) -> str:
    """A text without the control characters that nobody accepts: all but tab, line feed and carriage return."""
    return "".join(one for one in text if one in _KEPT or unicodedata.category(one) != "Cc")


def decode(topic: Topic, payload: bytes) -> Any:
    """The message that a payload on this topic carries. Raises BadMessage, and nothing else."""
    return _decode(topic.payload, payload)


def decode_controller_status(payload: bytes) -> ControllerStatus:
    """The message on `_controller/{site}/status`. Raises BadMessage, and nothing else."""
    status: ControllerStatus = _decode(ControllerStatus, payload)
    return status


def _decode(kind: Any, payload: bytes) -> Any:
    size = len(payload)
    if size > MAX_BYTES:
        raise BadMessage("too_large", f"more than {MAX_BYTES} bytes", size)
    if (b"\\" in payload or b"\x7f" in payload or b"\xc2" in payload) and _CONTROL.search(payload):
        raise BadMessage("bad_field", "a control character", size)
    try:
        return _decoder(kind).decode(payload)
    except msgspec.ValidationError as error:
        raise BadMessage("bad_field", str(error), size) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("not_json", str(error), size) from None


def request_id(payload: bytes) -> tuple[str, str] | None:
    """The id and nonce of a request that did not decode, so that it can be refused; None without."""
    try:
        stub: _Stub = _decode(_Stub, payload)
    except BadMessage:
        return None
    return stub.id, stub.nonce


def command_id(payload: bytes) -> str | None:
    """The id of a command that did not decode, so that it can be refused; None without."""
    try:
        stub: _Named = _decode(_Named, payload)
    except BadMessage:
        return None
    return stub.id


class _Named(msgspec.Struct, frozen=True):
    id: Id


class _Stub(msgspec.Struct, frozen=True):
    id: Id
    nonce: Id
