"""Where Mosquitto comes from."""

import subprocess
from pathlib import Path

import pytest

from ppm.parts import PartMissing
from ppm.parts.broker import Binary, find_mosquitto

PROGRAMS = ("mosquitto", "mosquitto_sub", "mosquitto_pub")


def a_folder_of(tmp_path: Path, *programs: str) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in programs:
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppm.parts.mosquitto_binary._MORE_PATH", "")


def test_the_programs_of_the_system_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_folder_of(tmp_path, *PROGRAMS)
    monkeypatch.setenv("PATH", str(folder))
    assert find_mosquitto(tmp_path / "cache") == Binary(
        folder / "mosquitto", folder / "mosquitto_sub", folder / "mosquitto_pub"
    )


def test_without_any_way_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(a_folder_of(tmp_path)))
    with pytest.raises(PartMissing, match="apt-get install mosquitto") as refused:
        find_mosquitto(tmp_path / "cache")
    assert "\n" not in str(refused.value)


def test_a_failed_download_says_what_to_install_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_folder_of(tmp_path, "dpkg", "dpkg-query", "apt-cache")
    (folder / "apt-get").write_text("#!/bin/sh\necho no network >&2\nexit 100\n")
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    said: list[str] = []
    with pytest.raises(PartMissing, match=r"(?s)apt-get install mosquitto.*no network"):
        find_mosquitto(tmp_path / "cache", said.append)
    assert len(said) == 1
    assert not list((tmp_path / "cache").glob("unpack-*"))


def test_the_programs_run(mosquitto_binary: Binary) -> None:
    said = subprocess.run(
        [mosquitto_binary.sub, "--help"], env=mosquitto_binary.environment, capture_output=True, text=True
    )
    assert "mosquitto_sub version 2." in said.stdout
