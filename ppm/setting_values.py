"""What the settings of this run are. Standard library only.

A value comes from the environment, else from the one file that PPM_SETTINGS_FILE names (lines `KEY=value`).
A secret may also be in a file of its own, named by the same word with `_FILE`. An empty value means the
default; an empty secret is refused.

    SettingError      a value breaks its rule, or is missing; the message names the setting and the rule
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ppm import setting_rules as rules
from ppm.setting import PLACEHOLDER, Setting, SettingError
from ppm.settings import FILE_NAMES, NAMES, SETTINGS_FILE

T = TypeVar("T")


class Settings:
    """The values of this run. `settings[X]` raises SettingError where there is none; `get` gives None."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """From the environment and the file that it names. Raises SettingError."""
        given = dict(os.environ if environment is None else environment)
        mine = {name: value for name, value in given.items() if name in NAMES | FILE_NAMES}
        path = mine.get(SETTINGS_FILE.name)
        return cls({**(_read_file(rules.path(path)) if path else {}), **mine})

    def __getitem__(self, setting: Setting[T]) -> T:
        value = self.get(setting)
        if value is None:
            raise missing(setting)
        return value

    def get(self, setting: Setting[T]) -> T | None:
        """The value, its default, or None. Raises SettingError when it breaks its rule."""
        given = self._given(setting)
        if given is None:
            return setting.default
        try:
            return setting.read(given)
        except ValueError as error:
            raise SettingError(setting.name, str(error)) from None

    def is_set(self, setting: Setting[Any]) -> bool:
        """Whether somebody gave a value."""
        return self._given(setting) is not None

    def file_of(self, setting: Setting[Any]) -> Path | None:
        """The file that a secret is read from; None where it is in none."""
        path = self._values.get(f"{setting.name}_FILE")
        return None if setting.name in self._values or not path else rules.path(path)

    def with_values(self, values: Mapping[str, str]) -> "Settings":
        """The same with these values, whatever was given in their place."""
        return Settings({**self._values, **values})

    def secret_files(self) -> list[tuple[str, Path]]:
        """The files that hold secrets, by the word that names each."""
        words = sorted(FILE_NAMES | {SETTINGS_FILE.name})
        return [(word, rules.path(path)) for word in words if (path := self._values.get(word))]

    def _given(self, setting: Setting[Any]) -> str | None:
        if not setting.secret:
            return self._values.get(setting.name) or None
        value = self._secret(setting.name)
        if value is not None:
            _refuse_placeholder(setting, value)
        return value

    def _secret(self, name: str) -> str | None:
        path = self._values.get(f"{name}_FILE")
        if name in self._values or not path:
            return self._values.get(name)
        try:
            return rules.path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{name}_FILE", f"{path} cannot be read ({_why(error)})") from None


def missing(setting: Setting[Any]) -> SettingError:
    """What to say where a value is needed and nobody gave one."""
    what = setting.meaning.split(". ")[0].rstrip(".")
    return SettingError(setting.name, f"is not set ({what[0].lower()}{what[1:]})")


def _refuse_placeholder(setting: Setting[Any], value: str) -> None:
    if not value.strip():
        raise SettingError(setting.name, "is empty; a secret needs a value")
    if PLACEHOLDER in value.casefold() or value == setting.example:
        raise SettingError(setting.name, "is still the placeholder of .env.example; set a value of your own")


def _read_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(SETTINGS_FILE.name, f"{path} cannot be read ({_why(error)})") from None
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    return dict(_parse(path, number, line) for number, line in numbered if line and not line.startswith("#"))


def _parse(path: Path, number: int, line: str) -> tuple[str, str]:
    name, equals, value = line.removeprefix("export ").partition("=")
    name, value = name.strip(), value.strip()
    if not equals:
        raise SettingError(SETTINGS_FILE.name, f"{path} line {number} is not KEY=value")
    if name not in NAMES | FILE_NAMES:
        raise SettingError(SETTINGS_FILE.name, f"{path} line {number} names no setting: {name}")
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return name, value


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
