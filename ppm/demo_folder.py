"""The folder of a demo: what it holds is forgotten at each start, so that only what a demo made may be there.

All but `demo.json` is in a sub-folder of its own, and a marker in it says that a demo made it. A folder that
somebody else has filled is never touched.
"""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ppm.cli import CommandFailed
from ppm.demo_facts import FACTS

INNER = "room"
MARKER = ".made-by-ppm-demo"
_KEYS = {"api", "mqtt", "operator", "postes"}


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[Path]:
    """Hold a folder and begin it anew; gives the sub-folder where everything goes.

    Raises CommandFailed when another demo has it, or when it holds what no demo made.
    """
    inner = folder / INNER
    _refuse_foreign(folder, inner)
    inner.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (inner / MARKER).open("a", encoding="utf-8") as marker:
        _hold(marker, folder)
        _forget_all(inner)
        (folder / FACTS).unlink(missing_ok=True)
        try:
            yield inner
        finally:
            (folder / FACTS).unlink(missing_ok=True)


def is_held(folder: Path) -> bool:
    """Whether a demo lives there now."""
    try:
        with (folder / INNER / MARKER).open("rb") as marker:
            fcntl.flock(marker, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    return False


def _refuse_foreign(folder: Path, inner: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise CommandFailed(f"{folder} is no folder; name another one in PPM_DATA_DIR")
    if inner.is_symlink() or (inner.exists() and not (inner / MARKER).is_file() and _holds_something(inner)):
        raise CommandFailed(
            f"{inner} was not made by a demo, nothing was touched; set PPM_DATA_DIR to another"
        )
    if not _is_ours(folder / FACTS):
        raise CommandFailed(f"{folder / FACTS} was not made by a demo; set PPM_DATA_DIR to another folder")


def _holds_something(inner: Path) -> bool:
    return not inner.is_dir() or any(inner.iterdir())


def _is_ours(facts: Path) -> bool:
    """Whether nothing is lost when this file is replaced."""
    if not facts.exists():
        return True
    try:
        said = json.loads(facts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and (not said or set(said) >= _KEYS)


def _hold(marker: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandFailed(f"another demo lives in {folder}; give this one a PPM_DATA_DIR") from None


def _forget_all(inner: Path) -> None:
    for path in inner.iterdir():
        if path.name == MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
