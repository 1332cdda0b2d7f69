"""What a Linux machine is and can do."""

import platform
import socket

from kiosk_agent.version import software
from protocol.messages import Info
from protocol.version import PROTOCOL

CAPABILITIES = ("message", "identify", "lock", "clean", "resync", "reboot", "shutdown")


def info() -> Info:
    """For the desk."""
    return Info(
        protocol=PROTOCOL,
        software=software(),
        os=platform.platform()[:200],
        hostname=socket.gethostname(),
        capabilities=CAPABILITIES,
    )
