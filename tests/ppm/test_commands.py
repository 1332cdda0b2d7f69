"""The command line, as a program: what it prints, and how it ends."""

import base64
import socket
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mosquitto.passwords import hash_password
from ppm import instants
from ppm.broker_files import hashes
from ppm.cli import WORDS
from ppm.commands import output
from tests.ppm.conftest import Ppm, Ran


def one_line(ran: Ran) -> str:
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1, ran.err
    return ran.err


@pytest.fixture
def furnished(ppm: Ppm) -> Ppm:
    """A site with a poste."""
    assert ppm("site", "create", "annexe", "--nom", "Annexe").code == 0
    assert ppm("poste", "create", "annexe-01", "--site", "annexe").code == 0
    return ppm


def test_the_list_of_commands_needs_none_of_them(program: Ppm) -> None:
    ran = program("--help")
    assert ran.code == 0
    assert all(f"  {word}" in ran.out for word in WORDS)


def test_a_wrong_command_line_ends_with_2(ppm: Ppm) -> None:
    for words in (
        ["nonsense"],
        ["session", "create"],
        ["site", "edit", "x"],
        ["migrate", "--no-such-option"],
    ):
        ran = ppm(*words)
        assert ran.code == 2, words
        assert "Traceback" not in ran.err


def test_what_is_not_set_is_said_in_one_line(ppm: Ppm) -> None:
    ran = ppm("site", "list", PPM_DATABASE_URL="sqlite:///x", PPM_SETTINGS_FILE="/nowhere")
    assert ran.code == 1
    assert "PPM_SETTINGS_FILE: /nowhere cannot be read" in one_line(ran)


def test_a_program_says_in_one_line_why_it_does_not_start(program: Ppm) -> None:
    ran = program("controller", PPM_DATABASE_URL="postgresql://127.0.0.1:1/nothing")
    assert ran.code == 1
    assert "PPM_BROKER_URL: is not set" in one_line(ran)


@pytest.mark.parametrize("word", ["controller", "api"])
def test_an_sqlite_file_is_refused_to_servers_that_are_two_processes(ppm: Ppm, word: str) -> None:
    ran = ppm(word)
    assert ran.code == 1
    assert (
        "PPM_DATABASE_URL: an SQLite file is for one server process: ppm api --with-controller"
        in one_line(ran)
    )


def test_an_empty_database_is_brought_to_this_version_once(ppm: Ppm, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert "type: ppm migrate" in one_line(ppm("site", "list", PPM_DATABASE_URL=url))
    first = ppm("migrate", "--json", PPM_DATABASE_URL=url)
    again = ppm("migrate", "--json", PPM_DATABASE_URL=url)
    assert first.json["before"] is None
    assert again.json["before"] == again.json["after"] == first.json["after"]
    assert ppm("site", "list", "--json", PPM_DATABASE_URL=url).json == []


def test_a_database_that_never_answers_is_waited_for_and_then_named(ppm: Ppm) -> None:
    ran = ppm("migrate", "--wait", "0.6", PPM_DATABASE_URL="postgresql://ppm:pw-of-mine@127.0.0.1:1/ppm")
    assert ran.code == 1
    assert "refused" in one_line(ran)
    assert "pw-of-mine" not in ran.err


def test_a_file_that_sqlite_cannot_open_is_named(ppm: Ppm, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "fleet.db"
    ran = ppm("migrate", "--wait", "0", PPM_DATABASE_URL=f"sqlite:///{file}")
    assert ran.code == 1
    assert str(file) in one_line(ran)
    assert "unable to open" in ran.err


def test_a_site_is_created_listed_and_edited(ppm: Ppm) -> None:
    made = ppm("site", "create", "annexe", "--nom", "Annexe", "--json")
    assert made.json["slug"] == "annexe"
    again = ppm("site", "create", "annexe", "--nom", "Annexe")
    assert again.code == 1
    assert "slug" in one_line(again)
    changed = ppm("site", "edit", "annexe", "--politique", "grace_s=30", "--horaires", "-", stdin="{}")
    assert changed.code == 0, changed.err
    assert ppm("site", "show", "annexe", "--json").json["politique"]["grace_s"] == 30
    assert [one["slug"] for one in ppm("site", "list", "--json").json] == ["annexe"]
    refused = ppm("site", "edit", "annexe", "--politique", "grace_s=100000")
    assert refused.code == 1
    assert "politique.grace_s" in one_line(refused)
    assert ppm("site", "edit", "annexe", "--horaires", "-", stdin="{nope").code == 2


def test_a_poste_gets_an_account_of_which_only_the_hash_is_kept(furnished: Ppm, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "postes.passwords").touch(0o640)
    (folder / "postes.passwords").chmod(0o640)
    given = furnished(
        "poste", "credential", "annexe-01", "--write", "--json", PPM_BROKER_DIR=str(folder)
    ).json
    password = given[0]["password"]
    kept = hashes(folder)["annexe-01"]
    salt = kept.split("$")[3]

    assert hash_password(password, base64.b64decode(salt)) == kept
    assert password not in (folder / "postes.passwords").read_text()
    assert stat.S_IMODE((folder / "postes.passwords").stat().st_mode) == 0o640
    assert "topic write ppm/v1/annexe/annexe-01/up/status" in (folder / "postes.acl").read_text()


def test_a_new_account_leaves_the_others_as_they_are(furnished: Ppm, tmp_path: Path) -> None:
    folder = str(tmp_path / "broker")
    furnished("poste", "create", "annexe-02", "--site", "annexe")
    furnished("poste", "credential", "annexe-01", "--write", PPM_BROKER_DIR=folder)
    before = hashes(Path(folder))
    furnished("poste", "credential", "annexe-02", "--write", PPM_BROKER_DIR=folder)
    after = hashes(Path(folder))
    assert after["annexe-01"] == before["annexe-01"]
    assert set(after) == {"annexe-01", "annexe-02"}


def test_an_unknown_poste_is_named(furnished: Ppm) -> None:
    ran = furnished("poste", "credential", "nobody")
    assert ran.code == 1
    assert one_line(ran) == "ppm: there is no poste nobody\n"


def test_a_session_is_created_extended_and_ended(furnished: Ppm) -> None:
    made = furnished("session", "create", "--site", "annexe", "--minutes", "30", "--json").json
    assert len(made["code"]) == 6
    number = str(made["id"])
    longer = furnished("session", "add-time", number, "--minutes", "15", "--json").json
    assert longer["temps_restant"] == 2700
    refused = furnished("session", "suspend", number)
    assert refused.code == 1
    one_line(refused)
    assert made["code"] not in furnished("session", "show", number).out
    assert furnished("session", "end", number, "--json").json["statut"] == "terminee"
    listed = furnished("session", "list", "--statut", "terminee", "--json").json
    assert [one["id"] for one in listed] == [made["id"]]


def test_a_code_needs_the_secret_of_the_codes(furnished: Ppm) -> None:
    ran = furnished("session", "create", "--site", "annexe", "--minutes", "30", PPM_CODE_SECRET="change-me")
    assert ran.code == 1
    assert "PPM_CODE_SECRET: is still the placeholder" in one_line(ran)


def test_an_operator_s_password_comes_from_the_standard_input(furnished: Ppm) -> None:
    made = furnished("operator", "create", "lea", "--site", "annexe", stdin="un-long-mot-de-passe\n")
    assert made.code == 0, made.err
    listed = furnished("operator", "list", "--json").json
    assert [(one["login"], one["role"], one["sites"]) for one in listed] == [("lea", "operateur", ["annexe"])]
    assert furnished("operator", "password", "lea", stdin="un-autre-mot-de-passe\n").code == 0
    for act in ("logout", "totp-off"):
        assert furnished("operator", act, "lea").code == 0
        assert furnished("operator", act, "nobody").code != 0
    assert furnished("operator", "disable", "lea").code == 0
    assert furnished("operator", "list", "--json").json[0]["actif"] is False
    assert furnished("operator", "disable", "lea", "--undo").code == 0
    none = furnished("operator", "create", "max", "--role", "administrateur")
    assert none.code == 1
    assert "no password" in one_line(none)
    assert furnished("operator", "create", "max", stdin="un-long-mot-de-passe\n").code == 2


def test_the_first_altered_row_of_the_audit_trail_is_named(furnished: Ppm, tmp_path: Path) -> None:
    for _ in range(3):
        furnished("session", "create", "--site", "annexe", "--minutes", "30")
    assert furnished("audit", "verify").out.startswith("the audit trail holds")
    connection = sqlite3.connect(tmp_path / "fleet.db")
    connection.execute("DROP TRIGGER log_update")
    connection.execute("UPDATE log SET details = 'x' WHERE numero = 3")
    connection.commit()
    connection.close()
    ran = furnished("audit", "verify")
    assert ran.code == 1
    assert ran.out == "broken: annexe, row 3: altered\n"
    assert furnished("audit", "verify", "--json").json["broken"][0]["numero"] == 3


def test_tables_are_for_people(furnished: Ppm) -> None:
    assert "annexe-01" in furnished("poste", "list").out
    assert "annexe" in furnished("site", "list").out
    assert "slug" in furnished("poste", "show", "annexe-01").out


def test_people_read_the_time_of_the_site_with_its_zone_and_programs_read_utc(furnished: Ppm) -> None:
    assert furnished("site", "edit", "annexe", "--zone", "Asia/Tokyo").code == 0
    for words in (("poste", "show", "annexe-01"), ("site", "show", "annexe")):
        at = datetime.fromisoformat(furnished(*words, "--json").json["created_at"])
        assert at.utcoffset() == timedelta()
        local = at.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y-%m-%d %H:%M:%S JST")
        assert local in furnished(*words, TZ="America/New_York").out, words
    assert " +04" in furnished("job", "list").out
    assert " CET" in (jobs := furnished("job", "list", PPM_ZONE="Europe/Paris").out) or " CEST" in jobs
    due = furnished("job", "list", "--json", PPM_ZONE="Europe/Paris").json[0]["prochaine"]
    assert due.endswith("Z")


def test_an_instant_inside_of_a_thing_is_shown_like_the_others() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert output.cell({"seen": [noon]}, "Europe/Paris") == '{"seen":["2026-07-01 14:00:00 CEST"]}'
    assert output.cell((noon,), "Indian/Reunion") == "2026-07-01 16:00:00 +04"
    assert (
        instants.in_utc({"seen": noon.astimezone(ZoneInfo("Asia/Tokyo"))})["seen"]
        .isoformat()
        .endswith("+00:00")
    )


def test_a_taken_port_is_named_in_one_line(ppm: Ppm, postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ran = ppm("api", PPM_HTTP_PORT=port, PPM_JWT_SECRET="j0" * 20, PPM_DATABASE_URL=postgres_url)
    assert ran.code == 1
    assert f"PPM_HTTP_PORT: 127.0.0.1:{port} cannot be used" in one_line(ran)


def test_the_shell_is_told_the_commands(program: Ppm) -> None:
    ran = program(_PPM_COMPLETE="bash_complete", COMP_WORDS="ppm se", COMP_CWORD="1")
    assert "session" in ran.out
