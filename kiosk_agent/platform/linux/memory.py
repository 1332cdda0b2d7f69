"""What a visitor left in the kernel: shared memory, semaphores, queues, keys. None of it ends with its processes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from kiosk_agent.platform.linux import kernel, wiping
from kiosk_agent.platform.linux.account import Account
from kiosk_agent.platform.linux.wiping import Tally

_TABLES = Path("/proc/sysvipc")
_CLEAR, _GET_PERSISTENT = 7, 22
_PROCESS_RING, _USER_RING, _USER_SESSION_RING = -2, -4, -5


def remove_shared_memory(account: Account) -> Tally:
    """System V segments; their pages count as bytes."""
    done = Tally()
    for row in _rows("shm", account):
        if _removed("shmctl", int(row["shmid"]), kernel.IPC_RMID, None):
            done.count += 1
            done.bytes += int(row["size"])
    return done


def remove_semaphores(account: Account) -> Tally:
    """System V semaphores."""
    done = Tally()
    for row in _rows("sem", account):
        done.count += _removed("semctl", int(row["semid"]), 0, kernel.IPC_RMID, None)
    return done


def remove_queues(account: Account) -> Tally:
    """System V queues and POSIX ones, with the messages in them."""
    done = Tally()
    for row in _rows("msg", account):
        if _removed("msgctl", int(row["msqid"]), kernel.IPC_RMID, None):
            done.count += 1
            done.bytes += int(row["cbytes"])
    folder = kernel.message_queues()
    try:
        wiping.sweep(folder, account.owns, done)
    finally:
        os.close(folder)
    return done


def clear_keys(account: Account) -> None:
    """The keys that the kernel keeps for a uid, passwords of network drives among them.

    Root has no way to another's rings: we are the visitor for a moment, whose processes are dead.
    """
    with kernel.as_user(account.uid, account.uid):
        for ring in (_USER_RING, _USER_SESSION_RING):
            with contextlib.suppress(OSError):
                kernel.keyctl(_CLEAR, ring)
        with contextlib.suppress(OSError):
            kernel.keyctl(_CLEAR, kernel.keyctl(_GET_PERSISTENT, account.uid, _PROCESS_RING))


def _rows(table: str, account: Account) -> Iterator[dict[str, str]]:
    heading, *lines = (_TABLES / table).read_text().splitlines()
    for line in lines:
        row = dict(zip(heading.split(), line.split(), strict=True))
        if account.owns(int(row["uid"])) or account.owns(int(row["cuid"])):
            yield row


def _removed(function: str, *arguments: int | None) -> bool:
    try:
        kernel.call(function, *arguments)
    except OSError:
        return False
    return True
