"""One connection to the broker, and the only user of paho.

paho runs on the agent's own event loop, with no thread of its own: hundreds fit in one process.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from kiosk_agent.broker import Broker, Listener, Loop, Tls

log = logging.getLogger(__name__)

CONNECT_S = 5.0
"""How long a connection may take to be open, and again to be subscribed."""
_IN_FLIGHT = 200
_RESET = struct.pack("ii", 1, 0)


class Connection:
    """One connection from its first packet to its end."""

    def __init__(self, broker: Broker, topics: tuple[str, ...], listener: Listener, loop: Loop) -> None:
        self._broker = broker
        self._topics = topics
        self._listener = listener
        self._loop = loop
        self._client: paho.Client | None = None
        self._fd = -1
        self._misc: asyncio.Handle | None = None
        self._dropped = False
        self._settled = asyncio.Event()
        self.closed = asyncio.Event()
        self.subscribed = self.denied = False

    # -------------------------------------------------------------- opening

    async def open(self) -> None:
        """Connect in a thread, for a name may be slow to resolve, then go on in the loop."""
        client = self._client = self._new_client()
        await asyncio.to_thread(self._connect, client)
        sock: Any = client.socket()
        if self._dropped or sock is None:
            raise ConnectionAbortedError("dropped while connecting")
        self._fd = sock.fileno()
        self._loop.add_reader(self._fd, self._readable)
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._wrote_all
        self._writable()
        if client.want_write():
            self._want_write(client, None, sock)
        self._keep_alive()

    def _new_client(self) -> paho.Client:
        broker, will = self._broker, self._listener.will()
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=broker.client_id or broker.username, clean_session=True,
            protocol=paho.MQTTv311, reconnect_on_failure=False,
        )  # fmt: skip
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(_IN_FLIGHT)
        if broker.tls is not None:
            client.tls_set_context(_context(broker.tls))
        client.on_socket_open = _no_delay
        # Registered even while connecting: without it paho would write from the thread on its own.
        client.on_socket_register_write = _later
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _connect(self, client: paho.Client) -> None:
        client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        if self._dropped:
            _close(client.socket())

    async def wait_until_up(self) -> bool:
        """True once the subscriptions are granted; False if the broker closed the door or is silent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(
                CONNECT_S
            ):  # wait_for of Python 3.11 may swallow that we are cancelled
                await self._settled.wait()
        return self.subscribed

    # -------------------------------------------------------------- what paho calls

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.warning("link_denied", extra={"reason": str(reason), "username": self._broker.username})
            self.denied = True
            self._settled.set()
            return
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, codes: Any, _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            log.warning("subscription_refused", extra={"username": self._broker.username})
            self.denied = True
            self._settled.set()
            return
        self.subscribed = True
        self._settled.set()
        self._guarded(self._listener.up)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._guarded(self._listener.heard, message.topic, bytes(message.payload), message.retain)

    def _guarded(self, call: Callable[..., None], *args: object) -> None:
        """One bad message fails alone: paho would die of an exception."""
        try:
            call(*args)
        except Exception:
            log.exception("link_callback_failed", extra={"topic": args[0] if args else ""})

    # -------------------------------------------------------------- what the loop calls

    def _readable(self) -> None:
        client = self._client
        if client is None or self._dropped:
            return
        code = client.loop_read()
        # TLS may hold whole packets that the selector does not know of.
        while code == 0 and _holds_more(client.socket()):
            code = client.loop_read()
        if code == 0 and client.want_write():
            code = client.loop_write()
        self._check(code)

    def _writable(self) -> None:
        if self._client is not None and not self._dropped:
            self._check(self._client.loop_write())

    def _want_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        if not self._dropped:
            self._loop.add_writer(self._fd, self._writable)

    def _wrote_all(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._loop.remove_writer(self._fd)

    def _keep_alive(self) -> None:
        if self._client is None or self._dropped:
            return
        self._check(self._client.loop_misc())
        if not self._dropped:
            self._misc = self._loop.call_later(self._broker.keepalive_s / 4, self._keep_alive)

    def _check(self, code: int) -> None:
        if code != 0 or self._client is None or self._client.socket() is None:
            self.drop()

    # -------------------------------------------------------------- saying and leaving

    @property
    def address(self) -> str | None:
        """The address that we have on this connection: that of the interface which reaches the broker."""
        sock: Any = self._client.socket() if self._client is not None else None
        try:
            return str(sock.getsockname()[0]) if sock is not None else None
        except OSError:
            return None  # it was lost a moment ago

    def publish(self, topic: str, payload: bytes, qos: int, retained: bool) -> None:
        if self._client is not None:
            self._client.publish(topic, payload, qos, retained)

    async def farewell(self, topic: str, payload: bytes) -> None:
        client = self._client
        if client is None:
            return
        said = client.publish(topic, payload, 1, retain=True)
        for _ in range(50):
            if said.is_published() or self._dropped:
                break
            await asyncio.sleep(0.01)
        client.disconnect()
        self._writable()
        self.drop()

    def drop(self, *, hard: bool = False) -> None:
        """Close the socket; with a reset if `hard`. The broker then publishes the will."""
        if self._dropped:
            return
        self._dropped = True
        if self._misc is not None:
            self._misc.cancel()
        was_up, self.subscribed = self.subscribed, False
        self._close_socket(hard)
        self._settled.set()
        self.closed.set()
        if was_up:
            self._guarded(self._listener.down)

    def _close_socket(self, hard: bool) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        if self._client is not None and self._fd >= 0:
            _close(self._client.socket(), hard=hard)


class _Handshake(ssl.SSLSocket):
    """paho forgets the socket of a handshake that failed, and leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _context(files: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca)
    context.sslsocket_class = _Handshake
    if files.certificate is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context


def _no_delay(_client: paho.Client, _data: Any, sock: Any) -> None:
    """Nagle's algorithm and delayed acknowledgements cost 40 ms a message."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _holds_more(sock: Any) -> bool:
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _later(_client: paho.Client, _data: Any, _sock: Any) -> None:
    """What waits to be written is written as soon as the loop has the socket."""


def _close(sock: Any, *, hard: bool = False) -> None:
    if sock is None:
        return
    if hard:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()
