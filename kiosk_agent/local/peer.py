"""Who is at the other end of a local connection, as the system knows it."""

import os
import socket
import struct
import sys
from dataclasses import dataclass

_UCRED = struct.Struct("3i")


class UnknownPeer(Exception):
    """The system does not say who it is."""


@dataclass(frozen=True)
class Peer:
    """A process and its account. Who administers the machine could do worse than any question of ours."""

    pid: int
    uid: int
    is_administrator: bool = False


def of_socket(connection: socket.socket) -> Peer:
    """Who made this connection, by SO_PEERCRED. Raises UnknownPeer."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        raise UnknownPeer("this system tells no credentials of a socket")
    try:
        pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    except OSError as error:
        raise UnknownPeer(str(error)) from error
    return Peer(pid, uid, _administers(uid))


def _administers(uid: int) -> bool:
    """Root, and the agent's own account."""
    return sys.platform != "win32" and uid in (0, os.getuid())


def of_descriptor(descriptor: int) -> Peer:
    """The same, of a descriptor that stays somebody else's. Raises UnknownPeer."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            return of_socket(connection)
    except OSError as error:
        raise UnknownPeer(str(error)) from error
