"""Numbers of the command line, bounded where they come in: nothing below has to fear nan, or too many digits."""

import math

import click

LARGEST_ID = 2**63 - 1
IDENTIFIER = click.IntRange(1, LARGEST_ID)
"""The id of a row."""


class Amount(click.ParamType[float]):
    """A finite number between two others."""

    name = "float"

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not math.isfinite(number) or not self.least <= number <= self.most:
            self.fail(f"{value!r} is not between {self.least:g} and {self.most:g}", param, ctx)
        return number


WAIT_S = Amount(0, 86_400)
MINUTES = Amount(0, 100_000)
SIGNED_MINUTES = Amount(-100_000, 100_000)
FACTOR = Amount(0, 10_000)
PER_MINUTE = Amount(0.001, 10_000)


def identifier(word: str) -> int | None:
    """The id that a word is, None when it is something else."""
    digits = word.isascii() and word.isdigit()
    return int(word) if digits and len(word) <= len(str(LARGEST_ID)) and int(word) <= LARGEST_ID else None
