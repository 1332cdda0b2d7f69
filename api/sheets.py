"""Rows as files for a spreadsheet. A cell that would be taken for a formula is made text."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from xlsxwriter import Workbook

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM = "\ufeff"
_CHUNK = 65_536


def as_csv(batches: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """With semicolons and a byte order mark, as spreadsheets in French open it."""
    mark = _BOM
    for rows in batches:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=";").writerows([_cell(value) for value in row] for row in rows)
        yield (mark + text.getvalue()).encode()
        mark = ""


def as_xlsx(batches: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Through a file of its own, so that the memory does not grow with it."""
    with tempfile.TemporaryFile() as file:
        _write(file, batches)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(file: BinaryIO, batches: Iterable[Sequence[Any]]) -> None:
    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                           "strings_to_numbers": False, "default_date_format": "yyyy-mm-dd hh:mm:ss"})  # fmt: skip
    sheet = book.add_worksheet()
    number = 0
    for rows in batches:
        for row in rows:
            for column, value in enumerate(row):
                sheet.write(number, column, _typed(value))
            number += 1
    book.close()


def _typed(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value if value is None or isinstance(value, str | int | float | bool | date) else float(value)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
