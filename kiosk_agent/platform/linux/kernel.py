"""The system calls of Linux that Python 3.11 does not know."""

import ctypes
import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same on every architecture
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "armv7l": 311, "i686": 288}
_CREATE, _CLOEXEC = 6, 1
_DEATH_SIGNAL = 1
UMOUNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
IPC_RMID = 0


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | None) -> int:
    """A function of the C library. Raises OSError."""
    return _checked(getattr(_libc(), name)(*arguments))


def end_with_the_agent() -> None:
    """Die when our parent does: two clean-ups at once would each wipe what the other has made."""
    call("prctl", _DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != _parent():
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def as_user(real: int, effective: int) -> Iterator[None]:
    """Be somebody else for a moment. That makes the kernel forget with whom we end."""
    os.setresuid(real, effective, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        end_with_the_agent()


@cache
def _parent() -> int:
    return os.getppid()


def keyctl(operation: int, *arguments: int) -> int:
    """Work on the keys that the kernel keeps. Raises OSError."""
    number = _KEYCTL.get(platform.machine())
    if number is None:
        raise OSError(f"no number of keyctl is known for {platform.machine()}")
    return _checked(_libc().syscall(number, operation, *arguments))


def message_queues() -> int:
    """A descriptor of the folder of all POSIX message queues, mounted nowhere. Raises OSError."""
    libc = _libc()
    context = _checked(libc.syscall(_FSOPEN, b"mqueue", _CLOEXEC))
    try:
        _checked(libc.syscall(_FSCONFIG, context, _CREATE, None, None, 0))
        mount = _checked(libc.syscall(_FSMOUNT, context, _CLOEXEC, 0))
    finally:
        os.close(context)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
    finally:
        os.close(mount)


def enter(namespace: str) -> None:
    """Go where another process is, as `/proc/1/ns/mnt` names it. Raises OSError."""
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        call("setns", descriptor, 0)
    finally:
        os.close(descriptor)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
