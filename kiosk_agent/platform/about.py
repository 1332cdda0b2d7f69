"""What a machine is: its system, memory, disk, screens, and the address by which the broker is reached.

Standard library only, and nothing of it needs a network. What a system does not tell stays unsaid.
"""

import os
import platform
import shutil
import socket
import sys
from pathlib import Path

from msgspec import structs

from kiosk_agent.version import software
from protocol.codec import plain
from protocol.messages import Info
from protocol.version import PROTOCOL

_MOST_SCREENS = 16
_SCREENS = Path("/sys/class/drm")
_RELEASE = Path("/etc/os-release")
_ADDRESS_OF, _HARDWARE_OF = 0x8915, 0x8927
"""SIOCGIFADDR and SIOCGIFHWADDR: the IPv4 and the hardware address of an interface."""


def machine(capabilities: tuple[str, ...], disk: Path = Path("/")) -> Info:
    """This machine. `capabilities` are the words of what its platform can do; `disk` is on the disk to tell of."""
    total, free = _space(disk)
    return Info(
        protocol=PROTOCOL,
        software=software(),
        os=plain(_system())[:200],
        hostname=plain(socket.gethostname())[:255],
        capabilities=capabilities,
        python=platform.python_version(),
        ram_bytes=_memory(),
        disk_bytes=total,
        disk_free_bytes=free,
        screens=screens(),
    )


def reached_by(info: Info, address: str | None) -> Info:
    """The same machine, with the address that its connection to the broker has, and the MAC of that interface.

    A machine with several interfaces is woken and found by the one that the broker sees.
    """
    if address is None:
        return info
    return structs.replace(info, ip=address[:45], mac=mac_of(address))


def mac_of(address: str) -> str | None:
    """The hardware address of the interface that has this IP address; None where there is none, as on loopback."""
    name = _interface_of(address)
    asked = _of_interface(name, _HARDWARE_OF) if name is not None else None
    return asked[18:24].hex(":") if asked is not None and any(asked[18:24]) else None


def screens(folder: Path = _SCREENS) -> tuple[str, ...]:
    """The size of each screen that is plugged in, as the kernel tells it: `1920x1080`; `?` for one that says none."""
    try:
        plugs = sorted(one for one in folder.iterdir() if (one / "status").is_file())
    except OSError:
        return ()
    found = [_size(one) for one in plugs if _line(one / "status") == "connected"]
    return tuple(found[:_MOST_SCREENS])


def _size(plug: Path) -> str:
    return _line(plug / "modes")[:64] or "?"


def _line(path: Path) -> str:
    """The first line of a small file; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""


def _system(release: Path = _RELEASE) -> str:
    """`Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64`, or what the system says of itself."""
    try:
        lines = release.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.platform()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    name = said.get("PRETTY_NAME", "").strip("\"'")
    kernel = f"{platform.system()} {platform.release()}"
    return f"{name}, {kernel}" if name else kernel


def _memory() -> int:
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _space(disk: Path) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(disk)
    except OSError:
        return 0, 0
    return usage.total, usage.free


def _interface_of(address: str) -> str | None:
    if sys.platform == "win32" or not hasattr(socket, "if_nameindex"):
        return None
    names = [name for _, name in socket.if_nameindex()]
    if ":" in address:
        return _with_ipv6(address)
    return next((name for name in names if _ipv4_of(name) == address), None)


def _ipv4_of(name: str) -> str | None:
    asked = _of_interface(name, _ADDRESS_OF)
    return socket.inet_ntoa(asked[20:24]) if asked is not None else None


def _of_interface(name: str, what: int) -> bytes | None:
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            return fcntl.ioctl(asking.fileno(), what, name.encode()[:15].ljust(256, b"\0"))
    except OSError:
        return None  # it has no such address


def _with_ipv6(address: str) -> str | None:
    wanted = socket.inet_pton(socket.AF_INET6, address.partition("%")[0]).hex()
    try:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((line.split()[5] for line in lines if line.split()[0] == wanted), None)
