"""What is mounted: a visitor's media are taken out untouched, a home of memory is made anew."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kiosk_agent.platform.linux import kernel

MEDIA = (Path("/media"), Path("/run/media"))
_TABLE = Path("/proc/self/mountinfo")
_BLOCK = Path("/sys/class/block")
_SYSTEM = ("/", "/usr", "/var", "/boot", "/run/live", "/lib/live", "/cdrom")
_FLAGS = {
    "ro": 1,
    "nosuid": 2,
    "nodev": 4,
    "noexec": 8,
    "noatime": 1024,
    "nodiratime": 2048,
    "relatime": 1 << 21,
}
_SIZES = ("size", "nr_blocks", "nr_inodes", "mode", "uid", "gid", "huge", "mpol")
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "ramfs", "overlay")
"""File systems whose files have the owners that this machine gave them."""


@dataclass(frozen=True)
class Mount:
    """A line of the kernel's table."""

    where: Path
    kind: str
    source: str
    flags: tuple[str, ...]
    options: tuple[str, ...]


def mounts(table: Path = _TABLE) -> list[Mount]:
    """All mounts, in the order in which they were made."""
    return [_read(line) for line in table.read_text(errors="surrogateescape").splitlines()]


def below(folder: Path, table: Iterable[Mount]) -> list[Mount]:
    """The mounts inside a folder, the innermost first."""
    return [one for one in reversed(list(table)) if folder in one.where.parents]


def is_removable(source: str, block: Path = _BLOCK) -> bool:
    """Whether a person can pull it out: a stick, a card, a disk on USB."""
    device = block / Path(source).name
    if not source.startswith("/dev/") or not device.exists():
        return False
    disk = _disk(device)
    flag = disk / "removable"
    return "/usb" in str(disk) or (flag.exists() and flag.read_text().strip() == "1")


def media(account: str, table: list[Mount], block: Path = _BLOCK) -> list[Mount]:
    """What a visitor put in, the innermost first. The stick that this machine lives on is not among them."""
    system = {_disk(block / Path(one.source).name) for one in table if _is_of_system(one.where)}
    theirs = [folder / account for folder in MEDIA]

    def is_medium(one: Mount) -> bool:
        if any(folder == one.where or folder in one.where.parents for folder in theirs):
            return True
        return is_removable(one.source, block) and _disk(block / Path(one.source).name) not in system

    return [one for one in reversed(table) if is_medium(one)]


def unmount(one: Mount) -> bool:
    """Take it out, by force if somebody still looks at it. False if it is still there."""
    for how in (0, kernel.UMOUNT_DETACH):
        with contextlib.suppress(OSError):
            kernel.call("umount2", os.fsencode(one.where), how | kernel.UMOUNT_NOFOLLOW)
            return True
    return False


def renew(one: Mount) -> bool:
    """Unmount a file system of memory and mount an empty one like it. False if it is as it was."""
    where = os.fsencode(one.where)
    try:
        kernel.call("umount2", where, kernel.UMOUNT_NOFOLLOW)
    except OSError:
        return False
    flags = sum(_FLAGS.get(flag, 0) for flag in one.flags)
    sizes = ",".join(word for word in one.options if word.split("=")[0] in _SIZES)
    kernel.call("mount", one.source.encode(), where, b"tmpfs", flags, sizes.encode())
    return True


def places(folder: Path, table: Iterable[Mount]) -> Iterator[Path]:
    """A folder and the mounts inside it whose owners can be believed."""
    yield folder
    yield from (one.where for one in below(folder, table) if one.kind in LOCAL)


def _is_of_system(where: Path) -> bool:
    return str(where) in _SYSTEM or any(str(where).startswith(f"{one}/") for one in _SYSTEM[3:])


def _disk(device: Path) -> Path:
    """The whole disk of a partition."""
    real = device.resolve()
    return real.parent if (real / "partition").exists() else real


def _read(line: str) -> Mount:
    before, after = line.split(" - ")
    where, flags = before.split()[4:6]
    kind, source, *options = after.split(" ")
    return Mount(
        Path(_plain(where)), kind, _plain(source), tuple(flags.split(",")), tuple("".join(options).split(","))
    )


def _plain(word: str) -> str:
    """The kernel writes a space as \\040."""
    for octal in ("040", "011", "012", "134"):
        word = word.replace(f"\\{octal}", chr(int(octal, 8)))
    return word
