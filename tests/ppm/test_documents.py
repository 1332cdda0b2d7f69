"""Every file, command, target and setting that the documents name exists."""

import re
from pathlib import Path

import click
import pytest

from ppm import settings as table
from ppm.cli import WORDS, ppm
from ppm.docs import commands_page
from ppm.settings import FILE_NAMES, NAMES
from protocol.topics import DEFAULT_ROOT

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md", "README.fr.md", "CONTRIBUTING.md", "docs/commands.md", "docs/settings.md", "docs/glossary.md",
    "docs/protocol.md", "docs/api.md", "docs/live.md", "docs/kiosk.md", "docs/windows.md",
    "docs/problems.md", "docs/decisions/README.md", "CHANGELOG.md",
    *(f"docs/guide/{path.name}" for path in sorted((ROOT / "docs" / "guide").glob("*.md"))),
)  # fmt: skip
COMMANDS = dict(commands_page.walk())


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_linked_file_exists(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text(page))
    for link in links:
        assert link.startswith("https://") or ((ROOT / page).parent / link).exists(), f"{page}: {link}"


@pytest.mark.parametrize("page", ["README.md", "README.fr.md", "CONTRIBUTING.md"])
def test_every_named_folder_exists(page: str) -> None:
    for folder in re.findall(r"`([a-z_]+/)`", text(page)):
        known = [ROOT / folder, *(package / folder for package in ROOT.iterdir() if package.is_dir())]
        assert any(path.is_dir() for path in known), f"{page}: {folder}"


@pytest.mark.parametrize("page", PAGES)
def test_every_named_command_and_its_options_exist(page: str) -> None:
    quoted = re.findall(r"`(ppm [a-z][^`]*)`", text(page)) + re.findall(r"^(ppm [a-z].*)$", text(page), re.M)
    for said in quoted:
        words = said.partition("#")[0].split()
        command = longest(words)
        assert command is not None, f"{page}: {said}"
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        used = {word.strip("[]") for word in words if word.strip("[").startswith("--")}
        assert used <= known | {"--help"}, f"{page}: {said}"


def longest(words: list[str]) -> click.Command | None:
    """The command that the first words of a line name."""
    for length in (3, 2):
        if " ".join(words[:length]) in COMMANDS:
            return COMMANDS[" ".join(words[:length])]
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_named_target_of_make_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    named = set(re.findall(r"^make ([a-z-]+)", text(page), re.M)) | set(
        re.findall(r"`make ([a-z-]+)", text(page))
    )
    assert named <= targets, f"{page}: {named - targets}"


@pytest.mark.parametrize("page", PAGES)
def test_every_named_setting_exists(page: str) -> None:
    named = set(re.findall(r"\bPPM_[A-Z_]+[A-Z]\b", text(page))) - {"PPM_COMPLETE"}
    assert named <= NAMES | FILE_NAMES, f"{page}: {named - NAMES - FILE_NAMES}"


def test_both_read_mes_say_the_same() -> None:
    """The same commands, links, folders and settings, in the same order."""

    def skeleton(page: str) -> list[str]:
        found = re.findall(
            r"\]\(([^)]+)\)|^(ppm [\w -]+?) {2,}|^(make \w+)|^\| `([^|]+)` \||(PPM_\w+)", text(page), re.M
        )
        words = ["".join(one) for one in found]
        return [word for word in words if not word.startswith("README")]

    assert skeleton("README.md") == skeleton("README.fr.md")


def test_the_french_read_me_is_written_as_french() -> None:
    prose = re.sub(
        r"^```\n.*?^```$|`[^`\n]+`|\]\([^)]+\)|^#.*|^\|.*", "", text("README.fr.md"), flags=re.M | re.S
    )
    assert "'" not in prose
    assert not re.search(r" [:;!?»]", prose)


def test_every_decision_is_in_the_index() -> None:
    index = text("docs/decisions/README.md")
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        title = page.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert f"[{page.stem[:4]}]({page.name}) {title}" in index


def test_every_command_has_its_help_and_its_line_in_the_list() -> None:
    page = text("docs/commands.md")
    for path, command in COMMANDS.items():
        assert f"# {path}\n" in page
        assert command.help, path
        for one in command.params:
            if isinstance(one, click.Option):
                assert one.help or isinstance(one.type, click.Choice), f"{path} {one.opts}"
    assert {path.split()[1] for path in COMMANDS} == set(WORDS)
    assert ppm.help is not None


def test_a_command_that_prints_data_prints_json_too() -> None:
    silent = {"demo", "controller", "api", "kiosk", "simulate", "ppm broker follow"}
    for path, command in COMMANDS.items():
        if not isinstance(command, click.Group) and not silent & {path, path.split()[1]}:
            assert "--json" in {option for one in command.params for option in one.opts}, path


def test_no_password_is_taken_from_the_command_line() -> None:
    for path, command in COMMANDS.items():
        options = {option for one in command.params if isinstance(one, click.Option) for option in one.opts}
        assert not [option for option in options if "password" in option or "secret" in option], path


def test_the_picture_of_the_read_me_is_drawn_without_anything_from_elsewhere() -> None:
    picture = text("docs/overview.svg")
    assert "<script" not in picture
    assert "href" not in picture
    assert "<title" in picture


def test_the_protocol_s_default_root_is_that_of_the_settings() -> None:
    assert table.MQTT_ROOT.default == DEFAULT_ROOT
