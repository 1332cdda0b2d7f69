"""Lines of JSON, in both directions, into typed values and back."""

from typing import Generic, TypeVar

import msgspec

from kiosk_agent.local.messages import Asked, Line, Word

T = TypeVar("T")
LONGEST_ASKED = 4_096
LONGEST_WORD = 262_144


class BadLine(Exception):
    """What came is no line of ours, or is too long."""


class Lines(Generic[T]):
    """Puts lines together from pieces."""

    def __init__(self, decoder: "msgspec.json.Decoder[T]", longest: int) -> None:
        self._decoder = decoder
        self._longest = longest
        self._rest = b""

    def feed(self, piece: bytes) -> list[T]:
        """The lines that are whole now. Raises BadLine."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > self._longest or any(len(line) > self._longest for line in whole):
            raise BadLine("too long")
        try:
            return [self._decoder.decode(line) for line in whole]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadLine(str(error)[:200]) from None


def asked() -> Lines[Asked]:
    """What an agent reads."""
    return Lines(msgspec.json.Decoder(Asked), LONGEST_ASKED)


def words() -> Lines[Word]:
    """What a window reads."""
    return Lines(msgspec.json.Decoder(Word), LONGEST_WORD)


def encode(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"
