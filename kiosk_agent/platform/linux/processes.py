"""Ends all processes of a visitor, also those that start others faster than they can be looked up."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from kiosk_agent.platform.linux import kernel
from kiosk_agent.platform.linux.account import Account

LONGEST_S = 10.0
"""How long processes may take to die: longer waits for a disk or a driver, and a human."""
_STEP_S = 0.01
_CALM = 3
"""So many looks in a row must find nobody: one may miss what runs under another uid of the account, unknown yet."""
_NOBODY_AT_ALL = 2**32 - 3
"""A uid that no account has."""
_PROC = Path("/proc")
_UIDS = re.compile(rb"^Uid:\t(\d+)\t\d+\t(\d+)\t", re.MULTILINE)
_DEAD = re.compile(rb"^State:\t[ZX].*^Threads:\t[01]$", re.MULTILINE | re.DOTALL)


def end_all(account: Account, longest_s: float = LONGEST_S) -> tuple[int, int]:
    """Kill until none lives or it takes too long. Gives how many were seen alive, and how many stay as zombies.

    They stand still while they are counted: of those that are born and gone in no time a look would miss the most.

    A zombie runs nothing and holds nothing: it is a line in a table until its parent reads it.
    """
    until = time.monotonic() + longest_s
    seen: set[int] = set()
    uids = {account.uid}
    calm = 0
    while calm < _CALM and time.monotonic() < until:
        for uid in sorted(uids):
            _signal_every_one(uid, signal.SIGSTOP)
        living = dict(_processes(account, zombies=False))
        seen |= living.keys()
        uids |= set(living.values())
        for uid in sorted(uids):
            _signal_every_one(uid, signal.SIGKILL)
        calm = 0 if living else calm + 1
        time.sleep(_STEP_S)
    return len(seen), sum(1 for _ in _processes(account, zombies=True))


def _processes(account: Account, *, zombies: bool) -> Iterator[tuple[int, int]]:
    """(pid, uid) of what runs for the visitor. A root service that acts for them a moment is not theirs."""
    for folder in _PROC.glob("[0-9]*"):
        try:
            status = (folder / "status").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        uids = _UIDS.search(status)
        theirs = next((uid for uid in map(int, uids.groups()) if account.owns(uid)), None) if uids else None
        if theirs is not None and (_DEAD.search(status) is not None) == zombies:
            yield int(folder.name), theirs


def _signal_every_one(uid: int, what: signal.Signals) -> None:
    """One signal to all processes of a uid: the kernel lets none of them fork meanwhile, as a loop of ours would.

    It goes to all whom the sender may signal, and the sender is the visitor for a moment. Its real and its saved
    uid are not: by these the visitor's processes would be allowed to stop or kill the sender.
    """
    with kernel.as_user(_NOBODY_AT_ALL, uid), contextlib.suppress(ProcessLookupError):
        os.kill(-1, what)
