"""The connection to the broker: how it is made, and how what comes in is taken at once.

aiomqtt hands each message to its queue; ours hands it on synchronously and keeps nothing, so that there is no
unbounded queue behind it and a heartbeat costs no task.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from aiomqtt import Client, MqttError, Will

KEEPALIVE_S = 15
INFLIGHT = 256
READ_BYTES = 32_768
PATIENCE_S = 10.0
T = TypeVar("T")
Receive = Callable[[str, bytes, bool], None]
_KIND_AND_QOS, _PUBLISH_AT_QOS_0, _RETAIN = 0xF6, 0x30, 0x01
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is: mqtt://user@host:port, or mqtts:// with the files of TLS. The password comes apart."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @classmethod
    def parse(cls, url: str, password: str | None = None, **files: str | None) -> "BrokerAddress":
        """The address in a URL. Raises ValueError that names the rule."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("a broker is named mqtt://host:port or mqtts://host:port")
        return cls(
            host=parts.hostname,
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else password,
            tls=parts.scheme == "mqtts",
            **files,
        )


class Link(Client):
    """aiomqtt's client without what each message costs there: no queue, no wrapping, one write for many.

    `receive` gets (topic, payload, retained) of each message, in the loop; it must neither block nor raise.
    """

    def __init__(self, receive: Receive, hostname: str, port: int, **options: Any) -> None:
        super().__init__(hostname, port, **options)
        self._receive = receive
        self._posted: dict[int, asyncio.Future[None]] = {}
        self._writing = False

    async def __aenter__(self) -> Self:
        """Connect. Raises MqttError."""
        await super().__aenter__()
        self._client._sock = cast("Any", _Buffered(self._client.socket(), self._receive, self._is_between))
        return self

    def _is_between(self) -> bool:
        """Whether the next byte that paho asks for begins a packet."""
        return self._client._in_packet["command"] == 0

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - its name for it
        """As aiomqtt's, on a block that is cancelled when it is told so.

        Python 3.11's `wait_for` forgets a cancellation that comes together with what was waited for; a driver
        that is told to stop just then would never stop.
        """
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise MqttError("Operation timed out") from None

    def post(self, path: str, payload: bytes, qos: int, retain: bool) -> asyncio.Future[None]:
        """Publish; what comes back is done once the broker has acknowledged. Raises MqttError.

        All that is posted in one turn of the loop is written at its end.
        """
        info = self._client.publish(path, payload, qos, retain)
        if info.rc not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_QUEUE_SIZE):
            raise MqttError(f"not published: {paho.error_string(info.rc)}")
        done: asyncio.Future[None] = self._loop.create_future()
        if info.is_published():
            done.set_result(None)
        else:
            self._posted[info.mid] = done
        return done

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._receive(message.topic, bytes(message.payload), message.retain)

    def _on_publish(self, client: paho.Client, data: Any, mid: int, reason: Any, properties: Any) -> None:
        done = self._posted.pop(mid, None)
        if done is None:
            super()._on_publish(client, data, mid, reason, properties)
        elif not done.done():
            done.set_result(None)

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any = None
    ) -> None:
        super()._on_disconnect(client, data, flags, reason, properties)
        posted, self._posted = self._posted, {}
        for done in posted.values():
            if not done.done():
                done.set_exception(MqttError("the connection was lost"))
                done.exception()  # whoever waited may be gone: that is no error of ours

    def _on_socket_register_write(self, client: paho.Client, data: Any, sock: Any) -> None:
        if asyncio._get_running_loop() is not self._loop:  # paho connects in a thread
            super()._on_socket_register_write(client, data, sock)
        elif not self._writing:
            self._writing = True
            self._loop.call_soon(self._write, sock)

    def _write(self, sock: Any) -> None:
        self._writing = False
        self._client.loop_write()
        if self._client.want_write():
            self._loop.add_writer(sock.fileno(), self._client.loop_write)


class _Buffered:
    """A socket read in large pieces: paho reads a message in three calls, of one byte, one byte, and the rest.

    Messages at QoS 0 that are there as a whole go to `receive` without paho: heartbeats, and what was retained, of
    which there are many and nothing is owed. aiomqtt goes on reading while `pending` says that something is left,
    as for TLS.
    """

    def __init__(self, sock: Any, receive: Receive, is_between: Callable[[], bool]) -> None:
        self._socket, self._receive, self._is_between = sock, receive, is_between
        self._held, self._at, self._may_read = b"", 0, True

    def recv(self, size: int) -> bytes:
        """At most so many bytes. Reads the socket once between two times that nothing was pending."""
        if self._at == len(self._held):
            if not self._may_read:
                raise BlockingIOError
            self._held, self._at = self._socket.recv(READ_BYTES), 0
            self._may_read = False
        if size == 1 and self._held and self._is_between():
            self._at = unanswered(self._held, self._at, self._receive)
            if self._at == len(self._held):
                raise BlockingIOError
        taken: bytes = self._held[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def pending(self) -> int:
        """How much can be read without the socket becoming readable."""
        left = len(self._held) - self._at
        if left:
            return left
        self._may_read = True
        return self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def unanswered(packets: bytes, at: int, receive: Receive) -> int:
    """Hand on the messages at QoS 0 that stand here in a row (MQTT 3.1.1). Gives where the row ends."""
    end = len(packets)
    while at + 2 <= end and packets[at] & _KIND_AND_QOS == _PUBLISH_AT_QOS_0:
        length, body, shift = 0, at + 1, 0
        while body < end:
            digit = packets[body]
            length |= (digit & 127) << shift
            body, shift = body + 1, shift + 7
            if digit < 128:
                break
        else:
            break
        text, after = body + 2, body + length
        named = text + int.from_bytes(packets[body:text], "big")
        if after > end or named > after:
            break
        try:
            topic = packets[text:named].decode()
        except UnicodeDecodeError:
            break
        receive(topic, packets[named:after], bool(packets[at] & _RETAIN))
        at = after
    return at


def connection(address: BrokerAddress, identifier: str, will: Will, receive: Receive) -> Link:
    """A connection to be entered with `async with`."""
    return Link(
        receive,
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        identifier=identifier,
        will=will,
        keepalive=KEEPALIVE_S,
        max_inflight_messages=INFLIGHT,
        tls_context=tls_context(address) if address.tls else None,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


def tls_context(address: BrokerAddress) -> ssl.SSLContext:
    """What a connection to a broker of mqtts:// is made with. Raises OSError for files that are not there."""
    context = ssl.create_default_context(cafile=address.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.cert_file:
        context.load_cert_chain(address.cert_file, address.key_file)
    return context


async def acknowledged(posted: Sequence[asyncio.Future[None]]) -> None:
    """Wait until the broker has all of these. Raises MqttError when it does not in time, or is lost."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*posted)
    except TimeoutError:
        raise MqttError("the broker does not answer") from None


async def until_lost(client: Client) -> None:
    """Wait until the connection is lost. Raises MqttError then."""
    async for _ in client.messages:
        pass
