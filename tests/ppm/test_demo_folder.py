"""A demo begins its folder anew, and touches nothing that another demo did not make."""

import json
from pathlib import Path

import pytest

from ppm import demo_facts
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.demo_folder import INNER, alone_in
from ppm.setting_values import Settings
from tests.ppm.conftest import Ppm


def filled(folder: Path) -> Path:
    """A folder of somebody's, with the very names that a demo uses."""
    for name in ("broker/mosquitto.conf", "postes/precious", "fleet.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_was_in_the_folder_of_a_demo_before_is_kept(tmp_path: Path) -> None:
    before = content(filled(tmp_path))
    with alone_in(tmp_path) as inner:
        (inner / "fleet.db").write_text("the demo's")
    assert {name: said for name, said in content(tmp_path).items() if not name.startswith(INNER)} == before


def test_a_sub_folder_that_no_demo_made_is_refused_in_one_line(ppm: Ppm, tmp_path: Path) -> None:
    before = content(filled(tmp_path / INNER))
    ran = ppm("demo", PPM_DATA_DIR=str(tmp_path))
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "was not made by a demo" in ran.err
    assert content(tmp_path / INNER) == before


@pytest.mark.parametrize("said", ['{"name": "mine"}', "[1]", "words"])
def test_a_demo_json_of_another_program_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "demo.json").write_text(said)
    with pytest.raises(CommandFailed, match="not made by a demo"), alone_in(tmp_path):
        pass
    assert content(tmp_path) == {"demo.json": said}


def test_a_link_to_another_folder_is_not_followed(tmp_path: Path) -> None:
    before = content(filled(tmp_path / "mine"))
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / INNER).symlink_to(tmp_path / "mine")
    with pytest.raises(CommandFailed), alone_in(tmp_path / "demo"):
        pass
    with alone_in(tmp_path / "other") as inner:
        (inner / "link").symlink_to(tmp_path / "mine")
    with alone_in(tmp_path / "other"):
        pass
    assert content(tmp_path / "mine") == before


def test_a_demo_begins_anew_in_the_folder_of_the_last_one(tmp_path: Path) -> None:
    for _ in range(2):
        with alone_in(tmp_path) as inner:
            assert len(list(inner.iterdir())) == 1
            filled(inner)
            (tmp_path / "demo.json").write_text("{}")
    assert not (tmp_path / "demo.json").exists()


FACTS = {
    "api": "http://127.0.0.1:8123",
    "mqtt": {"host": "127.0.0.1", "port": 1884, "username": "observer", "password": "a/b@c", "root": "salle"},
    "database": "sqlite:////tmp/room/fleet.db",
    "operator": {"login": "demo", "password": "x"},
    "postes": [],
}


def joined(folder: Path, **given: str) -> Settings:
    wanted = (table.DATABASE_URL, table.BROKER_URL, table.HTTP_PORT)
    return demo_facts.joined(Settings({"PPM_DATA_DIR": str(folder), **given}), *wanted)


def test_tools_join_a_demo_for_what_nobody_gave(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        (tmp_path / "demo.json").write_text(json.dumps(FACTS))
        found = joined(tmp_path)
        assert found[table.DATABASE_URL] == FACTS["database"]
        broker = found[table.BROKER_URL]
        assert (broker.port, broker.username, broker.password) == (1884, "observer", "a/b@c")
        assert (found[table.MQTT_ROOT], found[table.HTTP_PORT]) == ("salle", 8123)
        given = joined(
            tmp_path, PPM_BROKER_URL="mqtt://me@b", PPM_DATABASE_URL="sqlite:///mine", PPM_HTTP_PORT="9"
        )
        assert given[table.BROKER_URL].host == "b"
        assert (given[table.DATABASE_URL], given[table.HTTP_PORT]) == ("sqlite:///mine", 9)
        assert given[table.MQTT_ROOT] == "ppm"


def test_nobody_joins_a_demo_that_was_killed(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        pass
    (tmp_path / "demo.json").write_text(json.dumps(FACTS))
    assert joined(tmp_path).get(table.BROKER_URL) is None
