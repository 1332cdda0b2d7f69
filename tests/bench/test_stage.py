"""What the processes of a bench tell, line by line."""

from pathlib import Path

from bench.stage import said
from ppm.parts.process import Child


def test_a_line_is_heard_once_it_is_whole(tmp_path: Path) -> None:
    child = Child(["true"], tmp_path / "child.log")
    assert said(child, "measured") is None
    child.log.write_text('driving\nmeasured {"taken": [1, ')
    assert (said(child, "measured"), said(child, "driving")) == (None, "")
    child.log.write_text('driving\nmeasured {"taken": [1, 2]}\nmeasured {"tak')
    assert said(child, "measured") == '{"taken": [1, 2]}'
