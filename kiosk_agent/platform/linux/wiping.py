"""Removes trees by open folders: no path is walked twice, so no link and no race leads elsewhere."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass

_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_LOCKED = 0x10 | 0x20
"""Immutable, append-only."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


Inode = tuple[int, int]
"""The device and the number of a file: the same whatever it is called."""


@dataclass
class Tally:
    """How many things were removed, and the bytes of the files among them."""

    count: int = 0
    bytes: int = 0

    def add(self, seen: os.stat_result) -> None:
        self.count += 1
        self.bytes += seen.st_size if stat.S_ISREG(seen.st_mode) else 0


def empty(folder: int, tally: Tally) -> None:
    """Remove all that is in an open folder and is not mounted there. What resists stays, and no more is said.

    Folders are hoisted to the top before they are emptied: a tree may be deeper than Python recurses, or than
    descriptors go round.
    """
    unlock(folder)
    refused: set[str] = set()
    while names := [name for name in os.listdir(folder) if name not in refused]:
        for name in names:
            if not _empty_one(folder, name, tally):
                refused.add(name)


def remove(folder: int, name: str, tally: Tally) -> bool:
    """Remove one thing, whatever it is, from an open folder. False if it is still there."""
    try:
        seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(seen.st_mode):
        return _remove_tree(folder, name, seen, tally)
    return _unlink(folder, name, seen, tally)


def sweep(
    folder: int, is_theirs: Callable[[int], bool], tally: Tally, spared: frozenset[Inode] = frozenset()
) -> None:
    """Remove what a visitor owns below an open folder, on its mount alone, and not in the folders spared."""
    mount = mount_of(folder)
    for name in os.listdir(folder):
        try:
            seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue
        if (seen.st_dev, seen.st_ino) in spared:
            continue
        if is_theirs(seen.st_uid):
            remove(folder, name, tally)
        elif stat.S_ISDIR(seen.st_mode):
            with contextlib.suppress(OSError), Opened(folder, name) as inner:
                if mount_of(inner) == mount:
                    sweep(inner, is_theirs, tally, spared)


class Opened:
    """A folder, opened through another one without following a link."""

    def __init__(self, folder: int | None, name: str) -> None:
        self._where = (folder, name)

    def __enter__(self) -> int:
        folder, name = self._where
        self._descriptor = os.open(name, _FOLDER, dir_fd=folder)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def mount_of(descriptor: int) -> bytes:
    """Which mount an open file is on: a bind mount of the same disk is another one."""
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as told:  # noqa: PTH123 (read for every folder)
        return next(line for line in told if line.startswith(b"mnt_id:"))


def unlock(descriptor: int) -> None:
    """Take the immutable and the append-only flag off, where the file system knows them."""
    with contextlib.suppress(OSError):
        (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack("l", 0)))
        if flags & _LOCKED:
            fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", flags & ~_LOCKED))


def _empty_one(top: int, name: str, tally: Tally) -> bool:
    """Remove one thing of the top, hoisting the folders that are in it."""
    try:
        seen = os.stat(name, dir_fd=top, follow_symlinks=False)
        if not stat.S_ISDIR(seen.st_mode):
            return _unlink(top, name, seen, tally)
        with Opened(top, name) as inner:
            if mount_of(inner) != mount_of(top):
                return False
            unlock(inner)
            _empty_into(top, inner, tally)
        os.rmdir(name, dir_fd=top)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    tally.add(seen)
    return True


def _empty_into(top: int, inner: int, tally: Tally) -> None:
    for name in os.listdir(inner):
        with contextlib.suppress(OSError):
            seen = os.stat(name, dir_fd=inner, follow_symlinks=False)
            if not stat.S_ISDIR(seen.st_mode):
                _unlink(inner, name, seen, tally)
            elif _is_movable(inner, name):
                os.rename(name, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=top)


def _is_movable(inner: int, name: str) -> bool:
    with Opened(inner, name) as deeper:
        if mount_of(deeper) != mount_of(inner):
            return False
        unlock(deeper)
    return True


def _remove_tree(folder: int, name: str, seen: os.stat_result, tally: Tally) -> bool:
    try:
        with Opened(folder, name) as top:
            if mount_of(top) != mount_of(folder):
                return False
            empty(top, tally)
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        return error.errno == errno.ENOENT
    tally.add(seen)
    return True


def _unlink(folder: int, name: str, seen: os.stat_result, tally: Tally) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except PermissionError:
        if not stat.S_ISREG(seen.st_mode):  # to open another kind of file may do something
            return False
        return _unlink_locked(folder, name, seen, tally)
    except OSError:
        return False
    tally.add(seen)
    return True


def _unlink_locked(folder: int, name: str, seen: os.stat_result, tally: Tally) -> bool:
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
        try:
            unlock(descriptor)
        finally:
            os.close(descriptor)
        os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    tally.add(seen)
    return True
