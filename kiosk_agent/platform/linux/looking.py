"""The second look: what is still there after a clean-up, counted by other means than those that wiped.

Names are the visitor's: they are counted here and told nowhere.
"""

import os
import subprocess
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from kiosk_agent.platform.linux import kernel, mounts, places, printing
from kiosk_agent.platform.linux.account import Account

_JOURNALS = (Path("/var/log/journal"), Path("/run/log/journal"), Path("/var/lib/systemd/coredump"))
_NAMED = tuple(
    Path(one)
    for one in (
        "/var/spool/cron", "/var/spool/cron/crontabs", "/var/spool/cups-pdf", "/var/mail", "/var/lib/systemd/linger",
        "/var/lib/sudo/ts", "/var/lib/sudo/lectured", "/run/sudo/ts", "/run/faillock",
    )
)  # fmt: skip
_FOREVER_S = 240
_LOOKS = 3
"""One walk through /proc misses processes that are born and gone between two of its files."""
_HARMLESS = (b"No such file or directory", b"Permission denied")


def look(account: Account, skeleton: Path) -> dict[str, int]:
    """How many of each kind are left. All zeros: the visitor was never here."""
    return {
        "processes": max(_processes(account) for _ in range(_LOOKS)),
        "mounts": _mounts(account),
        "home": _home(account, skeleton),
        "runtime": _inside(places.runtime_folder(account)),
        **{places.word(place): _owned(place, account) for place in places.WRITABLE},
        "shared_memory": _ipc("--shmems", account),
        "semaphores": _ipc("--semaphores", account),
        "queues": _ipc("--queues", account) + _posix_queues(account),
        "keys": _keys(account),
        "print_jobs": len(printing.jobs(account.name))
        + len(printing.job_files(account.name, printing.SPOOL)),
        "traces": _named(account),
    }


def _processes(account: Account) -> int:
    """Threads are looked at too: a process whose first one ended looks like a zombie and is none."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            tasks = [(one / "status").read_text(errors="replace") for one in (folder / "task").iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        lines = [dict(line.split(":\t", 1) for line in task.splitlines() if ":\t" in line) for task in tasks]
        living = [task["Uid"].split() for task in lines if task["State"][0] not in "ZX"]
        count += any(account.owns(int(uids[0])) or account.owns(int(uids[2])) for uids in living)
    return count


def _mounts(account: Account) -> int:
    told = _run("findmnt", "--raw", "--noheadings", "--output", "TARGET").decode(errors="surrogateescape")
    inside = [f"{account.home}/", *(f"{folder}/{account.name}" for folder in mounts.MEDIA)]
    count = sum(any(line.startswith(one) for one in inside) for line in told.splitlines())
    return count or len(mounts.media(account.name, mounts.mounts()))


def _home(account: Account, skeleton: Path) -> int:
    """Everything in which the home differs from the skeleton, itself included."""
    home = account.home
    if not home.is_dir():
        return 1
    wanted, found = _names(skeleton), _names(home)
    changed = sum(_content(skeleton / name) != _content(home / name) for name in wanted & found)
    seen = home.stat()
    shared = any(name.startswith("system.posix_acl") for name in os.listxattr(home))
    proper = (seen.st_uid, seen.st_mode & 0o7777, shared) == (account.uid, 0o700, False)
    return len(wanted ^ found) + changed + (not proper)


def _names(top: Path) -> set[str]:
    walked = ((folder, folders + names) for folder, folders, names in os.walk(top))
    return {os.path.relpath(Path(folder, name), top) for folder, names in walked for name in names}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link {path.readlink()}"
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    return "folder" if path.is_dir() else "other"


def _owned(place: Path, account: Account) -> int:
    starts = list(places.roots(place, account))
    apart = (*places.SPARED, places.runtime_folder(account), account.home)
    theirs = ["-uid", str(account.uid)]
    for first, many in account.ranges:
        theirs += ["-o", "-uid", f"+{first - 1}", "-uid", f"-{first + many}"]
    return _find(starts, *_pruned(apart), "(", *theirs, ")")


def _pruned(apart: Iterable[Path]) -> list[str]:
    return [word for one in apart for word in ("-path", str(one), "-prune", "-o")]


def _inside(folder: Path) -> int:
    return _find([folder], "-mindepth", "1") if folder.is_dir() else 0


def _named(account: Account) -> int:
    journals = [one for one in _JOURNALS if one.is_dir()]
    patterns = (f"user-{account.uid}.journal", f"user-{account.uid}@*", f"core.*.{account.uid}.*")
    words = [word for pattern in patterns for word in ("-name", pattern, "-o")][:-1]
    named = [one for one in _NAMED if one.is_dir() and not one.is_symlink()]
    return _find(journals, "(", *words, ")") + _find(named, "-maxdepth", "1", "-name", account.name)


def _posix_queues(account: Account) -> int:
    folder = kernel.message_queues()
    try:
        names = os.listdir(folder)  # noqa: PTH208 (a folder that has no path)
        return sum(account.owns(os.stat(name, dir_fd=folder).st_uid) for name in names)
    finally:
        os.close(folder)


def _ipc(kind: str, account: Account) -> int:
    told = _run("lsipc", kind, "--noheadings", "--raw", "--output", "UID,CUID").decode()
    return sum(any(account.owns(int(uid)) for uid in line.split()) for line in told.splitlines() if line)


def _keys(account: Account) -> int:
    """Only the visitor sees the visitor's keys."""
    with kernel.as_user(account.uid, account.uid):
        rows = [line.split() for line in Path("/proc/keys").read_text(errors="replace").splitlines()]
    return sum(int(row[5]) == account.uid and row[7] != "keyring" for row in rows)


def _find(starts: list[Path], *words: str) -> int:
    """How many files `find` finds, each counted once."""
    if not starts:
        return 0
    found = _run("find", *map(str, starts), "-xdev", *words, "-printf", "%D:%i\\n")
    return len(set(found.split()))


def _run(*words: str) -> bytes:
    """What a program of the system says. Raises OSError where it does not: who cannot look has seen nothing.

    `find` complains of what goes away meanwhile, and of what a living user shuts even from root.
    """
    told = subprocess.run(
        words, check=False, timeout=_FOREVER_S, stdin=subprocess.DEVNULL, capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    complaints = told.stderr.splitlines()
    harmless = complaints and all(line.endswith(_HARMLESS) for line in complaints)
    if told.returncode and not harmless:
        raise OSError(f"{words[0]} ended with {told.returncode}")
    return told.stdout
