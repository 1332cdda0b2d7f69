"""Wake-on-LAN: the packet that starts a machine which is off, by its MAC address."""

import socket
from collections.abc import Iterable

PORT = 9
EVERYONE = (("255.255.255.255", PORT),)
Target = tuple[str, int]


def magic_packet(mac: str) -> bytes:
    """Six bytes of ones, and the address (aa:bb:cc:dd:ee:ff) sixteen times."""
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16


def wake(mac: str, targets: Iterable[Target]) -> None:
    """Send the packet to these addresses. Nobody confirms it. Raises OSError where the network takes none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.setblocking(False)
        for target in targets:
            sender.sendto(magic_packet(mac), target)
