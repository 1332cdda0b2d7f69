"""Facts about a member of the public: how they are written down, and how old they are."""

import re
import unicodedata
from datetime import date

from fleet.domain.errors import Invalid

_REUNION = re.compile(r"^(?:\+?262|0)(262|263|692|693)(\d{6})$")
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_SAID_NUMBER = re.compile(r"\+?\(?\d[\d\s.\-()]*\d")
_EMAIL = re.compile(r"^[^@\s<>\"',;]{1,64}@[^@\s<>\"',;.]+(\.[^@\s<>\"',;.]+)+$")


def telephone(typed: str | None) -> str | None:
    """A telephone number in E.164: Réunion forms (0692 12 34 56, +262 692...) or any other with its `+`."""
    if typed is None or not typed.strip():
        return None
    digits = re.sub(r"[\s.\-()\u00a0\u202f]", "", typed)
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    reunion = _REUNION.match(digits)
    if reunion:
        return f"+262{reunion[1]}{reunion[2]}"
    if _E164.match(digits) and not digits.startswith("+2620"):
        return digits
    raise Invalid(
        "telephone", "valeur_invalide", regle="0262, 0263, 0692, 0693 et six chiffres, ou +indicatif"
    )


def with_kept_numbers(typed: str) -> str:
    """What was typed, with each telephone number in it, or a part of one, as it is in one that is kept."""
    return _SAID_NUMBER.sub(lambda said: re.sub(r"^00?(?=\d)", "", re.sub(r"[^\d+]", "", said[0])), typed)


def email(typed: str | None) -> str | None:
    """An e-mail address, its domain in lower case."""
    if typed is None or not typed.strip():
        return None
    address = typed.strip()
    if len(address) > 254 or not _EMAIL.match(address):
        raise Invalid("email", "valeur_invalide", regle="une adresse comme nom@exemple.re")
    local, domain = address.rsplit("@", 1)
    return f"{local}@{domain.lower()}"


def birth_date(given: date | None, today: date) -> date | None:
    """A date of birth, in the past and in this or the last century."""
    if given is None:
        return None
    if given > today or given.year < today.year - 120:
        raise Invalid("date_naissance", "valeur_invalide", regle="une date passée, de moins de 120 ans")
    return given


def age(born: date | None, today: date) -> int | None:
    """Full years."""
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def name(field: str, typed: str) -> str:
    """A name as typed, without what cannot be seen and outer spaces. Raises Invalid when nothing is left."""
    kept = visible(typed)
    if not kept or len(kept) > 100:
        raise Invalid(field, "valeur_invalide", regle="de 1 à 100 caractères")
    return kept


def visible(typed: str) -> str:
    """What can be seen of this: no control characters, nothing that hides or turns the text around it."""
    return "".join(
        c for c in unicodedata.normalize("NFC", typed) if unicodedata.category(c)[0] != "C"
    ).strip()


def searchable(*texts: str | None) -> str:
    """What a search is made in: lower case, without accents ("helene" finds "Hélène")."""
    joined = " ".join(text for text in texts if text)
    plain = unicodedata.normalize("NFKD", joined.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))
