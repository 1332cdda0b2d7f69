"""One setting: what a line of the table says of it. Standard library only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
PLACEHOLDER = "change-me"


class SettingError(Exception):
    """A value breaks its rule, or is missing."""

    def __init__(self, name: str, rule: str) -> None:
        self.name = name
        self.rule = rule
        super().__init__(f"{name}: {rule}")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One line of the table. `read` gives the value of a text, or raises ValueError with the rule.

    `default` None means that there is none: a program that needs the setting says so. `example` is what
    `.env.example` shows.
    """

    name: str
    kind: str
    read: Callable[[str], T]
    meaning: str
    programs: tuple[str, ...]
    default: T | None = None
    secret: bool = False
    example: str = ""
    shown_default: str = ""
