"""How events are written."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ppm import logs


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield root
    root.handlers[:], level = before
    root.setLevel(level)


def written(style: str, level: str, event: str, **extra: Any) -> str:
    stream = io.StringIO()
    logs.set_up(style, level, stream)
    logging.getLogger("controller.site").info(event, extra=extra)
    return stream.getvalue()


def test_an_event_is_one_line_of_json_with_its_ids(root_logger: logging.Logger) -> None:
    text = written("json", "info", "lease_taken", site_id=3, term=17)
    line = json.loads(text)
    assert text.count("\n") == 1
    assert line["event"] == "lease_taken"
    assert line["level"] == "info"
    assert line["logger"] == "controller.site"
    assert (line["site_id"], line["term"]) == (3, 17)
    assert line["ts"].endswith("+00:00")


def test_a_trace_stays_on_the_line_of_its_event(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    logs.set_up("json", "info", stream)
    try:
        raise ValueError("wrong")
    except ValueError:
        logging.getLogger("x").exception("failed")
    line = json.loads(stream.getvalue())
    assert "ValueError: wrong" in line["trace"]


@pytest.mark.parametrize("style", ["json", "text"])
def test_codes_secrets_and_names_are_not_written(root_logger: logging.Logger, style: str) -> None:
    private = {"code": "K7MQ2R", "nonce": "n0nce", "jwt_secret": "hush", "nom": "Hoarau", "email": "a@b.re"}
    text = written(style, "info", "something", session=4, **private)
    assert "4" in text
    assert not any(value in text for value in private.values())


def test_ids_and_counts_about_codes_are_written(root_logger: logging.Logger) -> None:
    assert json.loads(written("json", "info", "x", code_id=5, code_count=2))["code_count"] == 2


def test_less_important_events_are_left_out(root_logger: logging.Logger) -> None:
    assert written("text", "warning", "nothing") == ""


def test_auto_is_json_where_nobody_looks(root_logger: logging.Logger) -> None:
    assert written("auto", "info", "x").startswith("{")


def test_a_file_of_events_does_not_grow_without_end(
    root_logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    path = tmp_path / "kiosk.log"
    with logs.in_file(path):
        for number in range(500):
            logging.getLogger("x").info("event", extra={"number": number})
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 1 + logs.FILES_KEPT
    assert all(one.stat().st_size <= 2_000 for one in kept)
    assert json.loads(path.read_text().splitlines()[-1])["number"] == 499
