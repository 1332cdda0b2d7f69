"""Who is at the other end of a local connection, as the system knows it."""

import os
import socket
import struct
from dataclasses import dataclass

_UCRED = struct.Struct("3i")


class UnknownPeer(Exception):
    """The system does not say who it is."""


@dataclass(frozen=True)
class Peer:
    """A process and its account."""

    pid: int
    uid: int


def of_socket(connection: socket.socket) -> Peer:
    """Who made this connection, by SO_PEERCRED. Raises UnknownPeer."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        raise UnknownPeer("this system tells no credentials of a socket")
    try:
        pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    except OSError as error:
        raise UnknownPeer(str(error)) from error
    return Peer(pid, uid)


def of_descriptor(descriptor: int) -> Peer:
    """The same, of a descriptor that stays somebody else's. Raises UnknownPeer."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            return of_socket(connection)
    except OSError as error:
        raise UnknownPeer(str(error)) from error
