"""One table of settings: what it promises, and that code and documents keep to it."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from ppm import compose
from ppm import settings as table
from ppm.cli import WORDS
from ppm.setting import Setting, SettingError
from ppm.setting_values import Settings
from ppm.settings import FILE_NAMES, NAMES

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "controller", "fleet", "kiosk_agent", "mosquitto", "ppm", "protocol")
GOOD = "k" * 40


def refused(values: dict[str, str], which: "Setting[Any]") -> str:
    with pytest.raises(SettingError) as error:
        Settings.load(values)[which]
    return str(error.value)


def test_a_value_comes_from_the_environment_else_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ppm.env"
    path.write_text("# the room\nPPM_HTTP_PORT=9000\nexport PPM_ZONE='Europe/Paris'\n\nPPM_MQTT_ROOT=salle\n")
    settings = Settings.load({"PPM_SETTINGS_FILE": str(path), "PPM_HTTP_PORT": "9001"})
    assert settings[table.HTTP_PORT] == 9001
    assert settings[table.ZONE] == "Europe/Paris"
    assert settings[table.MQTT_ROOT] == "salle"
    assert settings[table.HTTP_HOST] == "127.0.0.1"


def test_a_secret_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text(f"{GOOD}\n")
    assert Settings.load({"PPM_JWT_SECRET_FILE": str(tmp_path / "jwt")})[table.JWT_SECRET] == GOOD
    assert "PPM_JWT_SECRET_FILE" in refused({"PPM_JWT_SECRET_FILE": str(tmp_path / "no")}, table.JWT_SECRET)


@pytest.mark.parametrize("value", ["", "   ", "change-me", "CHANGE-ME-please-" + GOOD, "short"])
def test_a_placeholder_is_no_secret(value: str) -> None:
    assert refused({"PPM_CODE_SECRET": value}, table.CODE_SECRET).startswith("PPM_CODE_SECRET: ")


def test_what_is_not_set_is_one_sentence_with_what_it_is() -> None:
    assert refused({}, table.DATABASE_URL) == "PPM_DATABASE_URL: is not set (the database)"
    assert refused({}, table.BACKUP_DIR) == (
        "PPM_BACKUP_DIR: is not set (where backups are written, readable by nobody else)"
    )


def test_no_secret_of_the_example_file_is_accepted() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    values = dict(line.lstrip("# ").split("=", 1) for line in lines if re.match(r"(# )?PPM_\w+=", line))
    for one in table.TABLE:
        if one.secret:
            assert refused(values, one).startswith(one.name)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("PPM_HTTP_PORT", "eighty", "whole number from 1 to 65535"),
        ("PPM_HTTP_PORT", "70000", "whole number from 1 to 65535"),
        ("PPM_BROKER_URL", "http://broker", "mqtt://user@host:port"),
        ("PPM_SMTP_URL", "http://mail", "smtps://user@host"),
        ("PPM_SMTP_URL", "smtp://user:word@mail", "smtps://user@host"),
        ("PPM_SMTP_URL", "smtp+plain://user@mail", "speak TLS"),
        ("PPM_SMTP_FROM", "Postes <postes@example.re>", "an e-mail address"),
        ("PPM_ALERT_EMAILS", "a@example.re,nobody", "an e-mail address"),
        ("PPM_ALERT_WEBHOOKS", "https://one.example/hook,ftp://two", "https://"),
        ("PPM_BROKER_URL", "mqtt://broker:port", "mqtt://user@host:port"),
        ("PPM_DATABASE_URL", "mysql://db", "postgresql://"),
        ("PPM_ZONE", "Reunion/Island", "time zone"),
        ("PPM_MQTT_ROOT", "ppm/#", "levels of"),
        ("PPM_LOG_FORMAT", "xml", "one of auto, json, text"),
        ("PPM_POSTE", "Poste 1", "a slug is"),
        ("PPM_API_URL", "localhost", "http://"),
        ("PPM_TRUSTED_PROXIES", "nginx", "IP addresses"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_with_its_name_and_rule(
    name: str, value: str, rule: str
) -> None:
    said = refused({name: value}, next(one for one in table.TABLE if one.name == name))
    assert said.startswith(f"{name}: ")
    assert rule in said
    assert "\n" not in said


@pytest.mark.parametrize("line", ["PPM_HTTP_PROT=1", "PPM_HTTP_PORT", "PATH=/bin"])
def test_a_line_of_the_file_that_is_no_setting_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "ppm.env").write_text(f"\n{line}\n")
    with pytest.raises(SettingError, match=r"PPM_SETTINGS_FILE: .*line 2"):
        Settings.load({"PPM_SETTINGS_FILE": str(tmp_path / "ppm.env")})


def test_a_broker_url_says_its_parts_and_hides_its_password() -> None:
    url = Settings.load({"PPM_BROKER_URL": "mqtts://me:pass%20word@broker.example"})[table.BROKER_URL]
    assert (url.host, url.port, url.username, url.password, url.tls) == (
        "broker.example", 8883, "me", "pass word", True,
    )  # fmt: skip
    assert url.text == "mqtts://me@broker.example:8883"


def test_every_setting_of_the_code_is_in_the_table() -> None:
    for path in sources():
        words = set(re.findall(r"\bPPM_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8")))
        unknown = words - NAMES - FILE_NAMES - {"PPM_COMPLETE", "PPM_X_FILE"}
        assert not unknown, f"{path}: {unknown}"


def test_every_setting_of_the_table_is_used_by_the_code() -> None:
    used: set[str] = set()
    for path in sources():
        if path.parts[-1] != "settings.py" and "docs" not in path.parts:
            tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            used |= {
                node.attr
                for node in tree
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "table"
            }
    names = {name for name, value in vars(table).items() if isinstance(value, Setting)}
    assert names - {"SETTINGS_FILE"} <= used
    assert len(names) == len(table.TABLE)


def test_nobody_reads_the_environment_but_the_settings() -> None:
    for path in sources():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(environ(\.get)?[\[(]|getenv\()\s*[\"']PPM_", text), path


def test_the_programs_of_a_setting_are_commands() -> None:
    for one in table.TABLE:
        assert set(one.programs) <= {*WORDS, "all"}, one.name
        assert one.meaning.endswith(".")


def test_every_setting_of_the_table_is_documented() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for one in table.TABLE:
        assert f"| `{one.name}` |" in page
        assert f"{one.name}=" in example or one is table.SETTINGS_FILE


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_nobody_is_known_for_longer_than_the_sessions_that_tell_of_the_last_visit() -> None:
    with pytest.raises(SettingError, match=r"PPM_KEEP_PEOPLE_DAYS: is at most PPM_KEEP_SESSIONS_DAYS \(90\)"):
        compose.job_settings(Settings.load({"PPM_KEEP_SESSIONS_DAYS": "90"}))
    compose.job_settings(Settings.load({"PPM_KEEP_SESSIONS_DAYS": "90", "PPM_KEEP_PEOPLE_DAYS": "90"}))
