"""Rows as files for a spreadsheet. A cell that would be taken for a formula is made text.

Instants are written as the clock shows them in the zone that they carry: a spreadsheet knows of no zones.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from fleet.domain import written

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM = "\ufeff"
_CHUNK = 65_536
_SHOWN = {date: "dd/mm/yyyy", datetime: "dd/mm/yyyy hh:mm:ss", timedelta: "[h]:mm:ss"}
"""As Excel names what it shows."""


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
                           "strings_to_numbers": False, "remove_timezone": True})  # fmt: skip
    formats = {kind: book.add_format({"num_format": shown}) for kind, shown in _SHOWN.items()}
    sheet = book.add_worksheet()
    number = 0
    for rows in batches:
        for row in rows:
            for column, value in enumerate(row):
                sheet.write(number, column, *_typed(value, formats))
            number += 1
    book.close()


def _typed(value: Any, formats: Mapping[type, Format]) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (written.yes_no(value),)
    return (value, formats[type(value)]) if type(value) in formats else (value,)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return written.yes_no(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return _clock(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _clock(length: timedelta) -> str:
    minutes, seconds = divmod(length // timedelta(seconds=1), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
