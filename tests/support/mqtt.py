"""A bare MQTT client for tests: what it was told is in `messages`, in order."""

import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Any, Literal, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ppm.parts.broker import Account
from tests.support.waiting import wait_until

Version = Literal["3.1.1", "5"]
VERSIONS: tuple[Version, ...] = ("3.1.1", "5")
_PROTOCOLS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retained: bool = False


class Wire:
    """One connection, which is not made again when it ends; a context manager.

    `refused` is the broker's reason when it did not let us in.
    """

    def __init__(
        self,
        port: int,
        account: Account | None,
        *,
        version: Version = "3.1.1",
        client_id: str = "",
        will: Message | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages: list[Message] = []
        self.refused = ""
        self.connected = threading.Event()
        self.closed = threading.Event()
        self.arrived = threading.Event()
        self._port = port
        self._granted: set[int] = set()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=_PROTOCOLS[version],
            reconnect_on_failure=False,
        )
        if account is not None:
            self._client.username_pw_set(account.name, account.password)
        if tls is not None:
            self._client.tls_set_context(tls)
        if will is not None:
            self._client.will_set(will.topic, will.payload, 1, will.retained)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_open = _no_delay

    def __enter__(self) -> Self:
        """Connect, or have `refused` say why not."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        wait_until(lambda: self.connected.is_set() or self.refused or self.closed.is_set(), what="answered")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def topics(self) -> list[str]:
        """Where the messages came from, in order."""
        return [message.topic for message in self.messages]

    def subscribe(self, *topics: str, qos: Literal[0, 1] = 1) -> None:
        for topic in topics:
            _, number = self._client.subscribe(topic, qos)
            wait_until(lambda n=number: n in self._granted, what=f"subscribed to {topic}")  # type: ignore[misc]

    def publish(
        self, topic: str, payload: bytes = b"x", *, qos: Literal[0, 1] = 1, retain: bool = False
    ) -> None:
        """Publish, and wait for the broker's acknowledgement."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(5)

    def send(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> None:
        """Publish with QoS 1, and do not wait."""
        self._client.publish(topic, payload, 1, retain)

    def vanish(self) -> None:
        """Close the socket without a goodbye: the broker publishes the will."""
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        self.closed.wait(5)

    def _on_connect(
        self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            self.connected.set()

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.closed.set()

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        self.messages.append(Message(message.topic, bytes(message.payload), message.retain))
        self.arrived.set()

    def _on_subscribe(
        self,
        client: paho.Client,
        data: Any,
        number: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        self._granted.add(number)


def _no_delay(client: paho.Client, data: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
