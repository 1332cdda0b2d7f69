"""How events are written: JSON, one per line, or a line of text for a terminal.

An event is its name and the ids in `extra`. Codes, passwords and names of people never belong there; as a
net, the values of fields with such names are not written.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

FILE_BYTES, FILES_KEPT = 5_000_000, 3
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_PRIVATE = ("code", "password", "secret", "token", "nonce", "nom", "prenom", "email", "telephone")
_QUIET = {"uvicorn.access": logging.WARNING, "apscheduler": logging.WARNING, "httpx": logging.WARNING,
          "alembic": logging.WARNING}  # fmt: skip


def set_up(style: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Write every event of this process to `stream`, the standard error by default."""
    target = stream or sys.stderr
    as_text = style == "text" or (style == "auto" and target.isatty())
    _listen(logging.StreamHandler(target), TextFormatter() if as_text else JsonFormatter(), level)


@contextmanager
def in_file(path: Path, level: str = "info") -> Iterator[None]:
    """Write every event of this process to a file, as JSON; full files are put aside, the oldest forgotten."""
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    _listen(handler, JsonFormatter(), level)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _listen(handler: logging.Handler, formatter: logging.Formatter, level: str) -> None:
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


class JsonFormatter(logging.Formatter):
    """One event, one line, one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **extras(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """One event, one line for people; a trace follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()} "
        facts = "".join(f" {key}={value}" for key, value in extras(record).items())
        text = f"{at} {level}{record.name}: {record.getMessage()}{facts}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What was said beside the event, without what must not be written."""
    given = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    return {key: "[not written]" if is_private(key) else value for key, value in given.items()}


def is_private(field: str) -> bool:
    """Whether a field of this name may carry a code, a secret or who somebody is."""
    words = field.lower().split("_")
    return any(private in words for private in _PRIVATE) and words[-1] not in ("id", "count", "ms", "s")
