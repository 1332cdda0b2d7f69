"""A bare MQTT 3.1.1 client on asyncio: as little as possible between the socket and who measures."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

Receive = Callable[[str, bytes], None]
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9
_RECEIVED_AT_QOS_1 = 0x02
_RETAIN = 0x01


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    size, length = bytearray(), len(body)
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | 128 if length else digit)
        if not length:
            return bytes((first,)) + bytes(size) + body


def publication(topic: str, payload: bytes, *, number: int = 0, retain: bool = False) -> bytes:
    """The packet of a message: QoS 1 with a `number`, QoS 0 without."""
    mid = number.to_bytes(2, "big") if number else b""
    flags = (_RECEIVED_AT_QOS_1 if number else 0) | (_RETAIN if retain else 0)
    return _packet(0x30 | flags, _text(topic) + mid + payload)


class Wire(asyncio.Protocol):
    """One connection. Incoming messages go to `receive`, acknowledged when they ask for it."""

    def __init__(self, receive: Receive | None = None) -> None:
        self._receive = receive
        self._buffer = b""
        self._number = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self.closed = asyncio.Event()

    async def open(
        self,
        port: int,
        name: str,
        password: str,
        client_id: str,
        *,
        will: tuple[str, bytes] | None = None,
        keepalive_s: int = 60,
    ) -> None:
        """Connect, and return when the broker has accepted. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda: self, "127.0.0.1", port)
        flags = 0xC2 | (0x2C if will else 0)
        body = _text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big") + _text(client_id)
        if will:
            body += _text(will[0]) + len(will[1]).to_bytes(2, "big") + will[1]
        self.write(_packet(0x10, body + _text(name) + _text(password)))
        await self._accepted

    def write(self, packets: bytes) -> None:
        """Send what is already a packet."""
        self._transport.write(packets)

    async def drain(self) -> None:
        """Wait until the socket takes more."""
        await self._writable.wait()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and do not wait."""
        number = self._next_number() if qos else 0
        self.write(publication(topic, payload, number=number, retain=retain))

    async def published(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgement."""
        number = self._next_number()
        done = self._waiting[number] = asyncio.get_running_loop().create_future()
        self.write(publication(topic, payload, number=number, retain=retain))
        await done

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """Subscribe, and return when the broker has granted it."""
        number = self._next_number()
        done = self._waiting[number] = asyncio.get_running_loop().create_future()
        wanted = b"".join(_text(topic) + bytes((qos,)) for topic in topics)
        self.write(_packet(0x82, number.to_bytes(2, "big") + wanted))
        await done

    def ping(self) -> None:
        self.write(b"\xc0\x00")

    def close(self) -> None:
        """Say goodbye."""
        self.write(b"\xe0\x00")
        self._transport.close()

    def vanish(self) -> None:
        """Close the socket without a word: the broker publishes the will."""
        self._transport.abort()

    def _next_number(self) -> int:
        self._number = self._number % 65_535 + 1
        return self._number

    # ------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        for waiting in (self._accepted, *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionResetError("closed"))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        at, end, acks = 0, len(buffer), bytearray()
        while end - at >= 2:
            length, body, shift = 0, at + 1, 0
            while body < end:
                digit = buffer[body]
                length |= (digit & 127) << shift
                body, shift = body + 1, shift + 7
                if digit < 128:
                    break
            else:
                break
            if body + length > end:
                break
            self._take(buffer[at], buffer, body, body + length, acks)
            at = body + length
        self._buffer = buffer[at:]
        if acks:
            self._transport.write(bytes(acks))

    def _take(self, first: int, buffer: bytes, at: int, end: int, acks: bytearray) -> None:
        kind = first >> 4
        if kind == _PUBLISH:
            body = at + 2 + int.from_bytes(buffer[at : at + 2], "big")
            topic = buffer[at + 2 : body].decode()
            if first & _RECEIVED_AT_QOS_1:
                acks += b"\x40\x02" + buffer[body : body + 2]
                body += 2
            if self._receive is not None:
                self._receive(topic, buffer[body:end])
        elif kind in (_PUBACK, _SUBACK):
            done = self._waiting.pop(int.from_bytes(buffer[at : at + 2], "big"), None)
            if done is not None and not done.done():
                done.set_result(None)
        elif kind == _CONNACK and not self._accepted.done():
            if buffer[at + 1]:
                self._accepted.set_exception(ConnectionRefusedError(f"the broker says {buffer[at + 1]}"))
            else:
                self._accepted.set_result(None)
