"""Passwords in files of their own, closed to others, as `PPM_..._FILE` settings read them."""

import os
from collections.abc import Mapping
from pathlib import Path


def write(folder: Path, passwords: Mapping[str, str]) -> dict[str, Path]:
    """Write `NAME.password` for each, mode 0600; where each one is. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {name: _one(folder / f"{name}.password", password) for name, password in passwords.items()}


def _one(path: Path, password: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{password}\n")
    draft.replace(path)
    return path
