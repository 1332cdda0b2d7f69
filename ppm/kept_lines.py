"""Small files that one program writes and others read: replaced whole, closed to others where they hold a secret."""

import os
from collections.abc import Mapping
from pathlib import Path


def replace(path: Path, text: str, mode: int) -> None:
    """Put this text in the place of a file, on the disk before it counts. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def set_lines(path: Path, values: Mapping[str, str | None]) -> None:
    """Have a settings file say these, and nothing of those that are None; what else it says stays. Raises OSError."""
    there = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [
        line for line in there if line.strip().removeprefix("export ").partition("=")[0].strip() not in values
    ]
    said = [f"{name}={value}" for name, value in values.items() if value is not None]
    replace(path, "\n".join([*kept, *said, ""]), path.stat().st_mode & 0o777 if path.exists() else 0o600)
