"""Signed versions of the agent in a folder of the server. Who signed them is for postes to check."""

from pathlib import Path

import msgspec

from fleet.domain.errors import NotFound
from protocol.release import Release


def all_in(folder: Path | None) -> list[Release]:
    """Those whose statement can be read; none without a folder."""
    if folder is None or not folder.is_dir():
        return []
    found = (_read(path) for path in sorted(folder.glob("*.whl.sig")))
    return [one for one in found if one is not None]


def content(folder: Path | None, sha256: str, begin: int) -> tuple[Release, bytes]:
    """A wheel from this byte on. Raises NotFound."""
    for one in all_in(folder):
        if one.sha256 == sha256 and folder is not None:
            try:
                with (folder / one.file).open("rb") as file:
                    file.seek(begin)
                    return one, file.read(one.size)
            except FileNotFoundError:
                break
    raise NotFound("version")


def _read(path: Path) -> Release | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Release)
    except (OSError, msgspec.DecodeError):
        return None
