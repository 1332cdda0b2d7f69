"""Where a visitor can leave files outside of the home, and what is not theirs there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from kiosk_agent.platform.linux import mounts, wiping
from kiosk_agent.platform.linux.account import Account
from kiosk_agent.platform.linux.wiping import Inode, Tally

TIMED = (Path("/var/spool/cron"), Path("/var/spool/at"))
"""What starts processes later, so it goes before they do."""
WRITABLE = (
    Path("/tmp"),  # noqa: S108 (a place to wipe)
    Path("/var/tmp"),  # noqa: S108
    Path("/dev/shm"),  # noqa: S108
    Path("/run"),
    *(Path("/var", one) for one in ("spool", "mail", "lib", "cache", "crash", "local", "games")),
)
SPARED = tuple(
    Path("/var/lib", one)
    for one in ("containerd", "containers", "docker", "libvirt", "lxc", "lxd", "machines")
)
"""Whole systems, whose users have numbers of their own."""


def word(place: Path) -> str:
    """How a place is called where it is attested."""
    return "_".join(place.parts[1:])


def runtime_folder(account: Account) -> Path:
    """The folder that the login manager makes for sockets and the like."""
    return Path(f"/run/user/{account.uid}")


def sweep(place: Path, account: Account) -> Tally:
    """Remove what the visitor owns there, on local file systems."""
    done = Tally()
    spared = frozenset(_inode(one) for one in (*SPARED, runtime_folder(account)) if one.exists())
    for where in roots(place, account):
        # A mount that another one hides cannot be reached; what else is not is told by the second look.
        with contextlib.suppress(OSError), wiping.Opened(None, str(where)) as folder:
            wiping.sweep(folder, account.owns, done, spared)
    return done


def roots(place: Path, account: Account) -> Iterator[Path]:
    """A place and what is mounted in it, but for media and what is wiped as a whole."""
    if place.is_symlink() or not place.is_dir():
        return
    apart = (*mounts.MEDIA, *SPARED, runtime_folder(account), account.home)
    for where in mounts.places(place, mounts.mounts()):
        if not any(one == where or one in where.parents for one in apart):
            yield where


def empty_runtime(account: Account) -> Tally:
    """Empty the folder for sockets. It stays: the login manager believes that it is there."""
    done = Tally()
    folder = runtime_folder(account)
    for one in mounts.below(folder, mounts.mounts()):
        mounts.unmount(one)
    try:
        with wiping.Opened(None, str(folder)) as opened:
            wiping.empty(opened, done)
    except FileNotFoundError:
        pass
    return done


def _inode(place: Path) -> Inode:
    seen = place.lstat()
    return seen.st_dev, seen.st_ino
