"""The visitor's home as on the first day: emptied, and filled from the skeleton."""

import contextlib
import os
import shutil
from pathlib import Path

from kiosk_agent.platform.linux import mounts, wiping
from kiosk_agent.platform.linux.account import Account
from kiosk_agent.platform.linux.wiping import Tally

SKELETON = Path("/etc/skel")
_MODE = 0o700


def renew(account: Account, skeleton: Path) -> Tally:
    """Make the home anew. What is mounted in it is unmounted first, untouched."""
    done = Tally()
    for one in mounts.below(account.home, mounts.mounts()):
        mounts.unmount(one)
    if account.home.exists():
        _wipe(account.home, done)
    _make(account, skeleton)
    return done


def _wipe(home: Path, done: Tally) -> None:
    memory = [one for one in mounts.mounts() if one.where == home and one.kind == "tmpfs"]
    if memory and _renew_memory(memory[-1], done):
        return
    with wiping.Opened(None, str(home.parent)) as parent:
        with wiping.Opened(parent, home.name) as folder:
            wiping.empty(folder, done)
        with contextlib.suppress(OSError):  # it is a disk of its own, or what resisted is in it
            os.rmdir(home.name, dir_fd=parent)


def _renew_memory(mount: mounts.Mount, done: Tally) -> bool:
    with wiping.Opened(None, str(mount.where)) as folder:
        counted = _count(folder)
    if not mounts.renew(mount):
        return False
    done.count += counted.count
    done.bytes += counted.bytes
    return True


def _count(folder: int) -> Tally:
    """What a home of memory holds goes at once: it is counted before."""
    done = Tally()
    for _, folders, names, descriptor in os.fwalk(".", dir_fd=folder):
        for name in folders + names:
            with contextlib.suppress(OSError):
                done.add(os.stat(name, dir_fd=descriptor, follow_symlinks=False))
    return done


def _make(account: Account, skeleton: Path) -> None:
    """It is root's until it is complete. One in which something resisted stays root's: no visitor gets it."""
    home = account.home
    home.mkdir(mode=_MODE, exist_ok=True)
    os.chown(home, 0, 0)
    for name in os.listxattr(home):
        with contextlib.suppress(OSError):
            os.removexattr(home, name)
    home.chmod(_MODE)
    if any(home.iterdir()):
        return
    shutil.copytree(skeleton, home, symlinks=True, dirs_exist_ok=True, copy_function=shutil.copy2)
    for folder, folders, names in os.walk(home):
        for name in folders + names:
            os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)
    home.chmod(_MODE)
    os.chown(home, account.uid, account.gid)
