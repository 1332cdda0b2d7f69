"""What the decoder says of a value, in our words: its own are English and name Python's types."""

import re

from fleet.domain.blanks import Language

_INSTANT = ("un instant, comme 2026-01-31T09:00:00+04:00", "an instant, as 2026-01-31T09:00:00+04:00")
_IN_QUERY = {
    _INSTANT[0]: (
        "un instant, comme 2026-01-31T09:00:00%2B04:00 ou 2026-01-31T05:00:00Z\u202f:"
        " dans une adresse, le + d’un décalage s’écrit %2B"
    )
}
"""What holds in the query of an address, where a bare + means a space."""
_DATE = ("une date AAAA-MM-JJ", "a date YYYY-MM-DD")
_SMALLER = ("un nombre moins grand", "a smaller number")
UNKNOWN = ("une valeur d’un autre genre", "a value of another kind")
_BOUNDS: tuple[tuple[str, tuple[str, str]], ...] = (
    (r"Expected `int` >= (\S+)", (r"un entier d’au moins \1", r"a whole number of \1 at least")),
    (r"Expected `int` <= (\S+)", (r"un entier d’au plus \1", r"a whole number of \1 at most")),
    (r"Expected `float` >= (\S+?)(?:\.0)?", (r"un nombre d’au moins \1", r"a number of \1 at least")),
    (r"Expected `float` <= (\S+?)(?:\.0)?", (r"un nombre d’au plus \1", r"a number of \1 at most")),
    (r"Expected `str` of length >= 1", ("au moins un caractère", "at least one character")),
    (r"Expected `str` of length >= (\d+)", (r"au moins \1 caractères", r"at least \1 characters")),
    (r"Expected `str` of length <= (\d+)", (r"au plus \1 caractères", r"at most \1 characters")),
    (r"Expected `array` of length >= 1", ("au moins un élément", "at least one item")),
    (r"Expected `array` of length <= (\d+)", (r"au plus \1 éléments", r"at most \1 items")),
    (r"Expected `array` of length (\d+)(?:, got \d+)?", (r"\1 éléments", r"\1 items")),
    (r"Integer value out of range|Number out of range", _SMALLER),
    (r"Invalid RFC3339 encoded datetime", _INSTANT),
    (r"Invalid RFC3339 encoded date", _DATE),
    (r"Invalid enum value .*", ("une des valeurs permises", "one of the values allowed")),
)
_KINDS: dict[str, tuple[str, str]] = {
    "int": ("un entier", "a whole number"),
    "float": ("un nombre", "a number"),
    "str": ("un texte", "a text"),
    "bool": ("un booléen", "a boolean"),
    "array": ("une liste", "a list"),
    "object": ("un objet", "an object"),
    "date": _DATE,
    "datetime": _INSTANT,
    "null": ("rien", "nothing"),
}
_OTHER_KIND = re.compile(r"Expected `([^`]+)`(?:, got `[^`]+`)?")


def of_parameter(said: str) -> str:
    """The same in French, of a value in the query."""
    words = in_words(said)
    return _IN_QUERY.get(words, words)


def in_words(said: str, language: Language = "fr") -> str:
    """What a value must be, of what the decoder says it is not."""
    said, which = said.partition(" - at ")[0], int(language == "en")
    for pattern, words in _BOUNDS:
        if (found := re.fullmatch(pattern, said)) is not None:
            return found.expand(words[which])
    other = _OTHER_KIND.fullmatch(said)
    names = other[1].split(" | ") if other is not None else []
    if not names or not _KINDS.keys() >= set(names):
        return UNKNOWN[which]
    *first, last = (_KINDS[name][which] for name in names)
    return (" or " if which else " ou ").join([*([", ".join(first)] if first else []), last])
