"""Folders: how large they are, what in them is somebody's, and their end. No link is ever followed."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

_POINTS_ELSEWHERE = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400)
_TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def size(path: Path) -> int:
    """The bytes of a file, or of all in a folder; what can't be read counts nothing."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    if not _is_folder(found):
        return found.st_size
    try:
        return sum(size(one) for one in path.iterdir())
    except OSError:
        return 0


def remove(path: Path) -> None:
    """A file, or a folder with all in it; links and junctions go, what they point at stays. Raises OSError."""
    found = path.lstat()
    if _is_folder(found):
        for one in list(path.iterdir()):
            remove(one)
        path.rmdir()
    elif stat.S_ISDIR(found.st_mode):
        path.rmdir()  # a junction
    else:
        if not found.st_mode & stat.S_IWRITE:
            path.chmod(stat.S_IWRITE)  # Windows removes no file that is read-only
        path.unlink()


def of_owner(path: Path, owner: Callable[[Path], str | None], wanted: str) -> Iterator[tuple[Path, bool]]:
    """What belongs to somebody (True), and what does not say whose it is (False), outermost first.

    A folder of theirs goes as a whole, with what others may have put into it. What vanishes meanwhile, and a
    folder of somebody else's that can't be read, is passed over.
    """
    try:
        whose = owner(path)
        if whose == wanted or whose is None:
            yield path, whose is not None
            return
        inside = sorted(path.iterdir()) if _is_folder(path.lstat()) else []
    except (FileNotFoundError, PermissionError):
        return
    for one in inside:
        yield from of_owner(one, owner, wanted)


def tasks_of(folder: Path, sid: str, account: str) -> Iterator[tuple[str, int]]:
    """The tasks that run as this account, each by its name for the Task Scheduler and its size."""
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(where) / name
            if _runs_as(path, sid, account):
                yield "\\" + str(path.relative_to(folder)).replace("/", "\\"), path.stat().st_size


def _runs_as(path: Path, sid: str, account: str) -> bool:
    """A file that is no task is nobody's."""
    try:
        task = ElementTree.parse(path)  # noqa: S314 - written by the Task Scheduler
    except (ElementTree.ParseError, UnicodeError):
        return False
    users = [one.text or "" for one in task.iterfind(f"{_TASK}Principals/{_TASK}Principal/{_TASK}UserId")]
    return any(one == sid or one.rpartition("\\")[2].casefold() == account.casefold() for one in users)


def _is_folder(found: os.stat_result) -> bool:
    """A folder in itself: a junction shows as one, and points elsewhere."""
    elsewhere = getattr(found, "st_file_attributes", 0) & _POINTS_ELSEWHERE
    return stat.S_ISDIR(found.st_mode) and not elsewhere
