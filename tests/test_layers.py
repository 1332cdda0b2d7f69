"""The layers are real: an import that breaks one turns the check red."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "controller", "fleet", "kiosk_agent", "mosquitto", "ppm", "protocol")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("protocol", "fleet"),
        ("protocol", "sqlalchemy"),
        ("fleet/domain", "msgspec"),
        ("fleet/domain", "fleet.database"),
        ("fleet", "controller"),
        ("controller", "api"),
        ("api", "controller"),
        ("kiosk_agent", "fleet"),
        ("kiosk_agent", "sqlalchemy"),
        ("kiosk_agent", "PySide6"),
        ("ppm", "PySide6"),
        ("mosquitto", "protocol"),
        ("controller", "rich"),
        ("fleet", "ppm"),
        ("fleet", "django"),
    ],
)
def test_a_planted_import_is_found(copy: Path, module: str, planted: str) -> None:
    target = copy / module / "planted.py"
    target.write_text(f"import {planted}\n")
    try:
        done = lint(copy)
    finally:
        target.unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{module.replace('/', '.')}.planted -> {planted}" in done.stdout


def test_the_layers_hold(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
