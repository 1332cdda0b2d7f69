"""The command line, within this process (quick) or as a program of its own, and what it works with."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ppm import cli

SECRET = "s0" * 24


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ppm = Callable[..., Ran]


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment of this process without its settings and its language, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PPM_", "LC_"))}
    return {**kept, "LANG": "C.UTF-8", **settings}


@pytest.fixture
def usual(sqlite_template: Path, tmp_path: Path) -> dict[str, str]:
    """The settings of a deployment of its own: a database with the schema and nothing in it."""
    database = tmp_path / "fleet.db"
    database.write_bytes(sqlite_template.read_bytes())
    return {
        "PPM_DATABASE_URL": f"sqlite:///{database}",
        "PPM_CODE_SECRET": SECRET,
        "PPM_DATA_DIR": str(tmp_path / "no demo"),
    }


@pytest.fixture
def ppm(usual: dict[str, str]) -> Ppm:
    """Runs `ppm` in this process, on a deployment of its own. What it does not tell in a line, it raises."""

    def run(*words: str, stdin: str = "", **settings: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        environment = clean_environment(**{**usual, **settings})
        with pytest.MonkeyPatch.context() as patch, _logging_kept():
            patch.setattr(os, "environ", environment)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = cli.run(words)
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def program(usual: dict[str, str]) -> Ppm:
    """Runs `ppm` as a program, on a deployment of its own."""

    def run(*words: str, stdin: str = "", **settings: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "ppm", *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=clean_environment(**{**usual, **settings}),
            timeout=50,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
