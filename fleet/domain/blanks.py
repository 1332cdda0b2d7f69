"""What fills the blanks of a sentence, as people say it: a statut, a duration, a rule."""

import re
from contextvars import ContextVar
from typing import Literal

Language = Literal["fr", "en"]
SPOKEN: ContextVar[Language] = ContextVar("spoken", default="fr")
"""The language of whoever is answered here and now: French, unless who asked has said otherwise."""

STATUTS: dict[str, tuple[str, str]] = {
    "en_attente": ("en attente", "has not begun"),
    "active": ("en cours", "is running"),
    "suspendue": ("en pause", "is paused"),
    "terminee": ("terminée", "is over"),
    "expiree": ("expirée", "has expired"),
    "en fin": ("en train de finir", "is about to end"),
    "disponible": ("libre", "free"),
    "occupe": ("occupé", "in use"),
    "reserve": ("réservé", "reserved"),
    "nettoyage": ("nettoyage", "being cleaned"),
}
_CHARACTERS = "a-z, 0-9 et -, une lettre au moins"
_RULES: tuple[tuple[str, str], ...] = (
    (r"de (\d+) à (\d+) caractères", r"\1 to \2 characters"),
    (r"de (\d+) à (\d+) éléments", r"\1 to \2 items"),
    (r"de 5 minutes à 12 heures après le début", "5 minutes to 12 hours after the beginning"),
    (r"un instant à venir, dans les 90 jours", "an instant to come, within 90 days"),
    (r"un instant passé", "an instant that is past"),
    (r"après `depuis`, de (\d+) jours au plus", r"after `depuis`, by \1 days at most"),
    (r"après le début, d’un jour au plus", "after the beginning, one day at most"),
    (r"au plus (\d+) caractères", r"\1 characters at most"),
    ("après le début de la période", "after the beginning of the period"),
    (r"une période de (\d+) jours au plus", r"a period of \1 days at most"),
    ("au plus 5 Mo", "5 MB at most"),
    ("au plus 30 millions de pixels", "30 million pixels at most"),
    ("une image JPEG ordinaire", "an ordinary JPEG picture"),
    ("une image JPEG ou PNG", "a JPEG or PNG picture"),
    ("une image JPEG ou PNG, entière et rien d’autre", "a JPEG or PNG picture, whole and nothing else"),
    (_CHARACTERS, "a-z, 0-9 and -, one letter at least"),
    (f"{_CHARACTERS}, pas un mot réservé", "a-z, 0-9 and -, one letter at least, no reserved word"),
    (r"a-z, 0-9 et \. _ @ -, au plus (\d+) caractères", r"a-z, 0-9 and . _ @ -, \1 characters at most"),
    (r"une adresse IPv4, comme (.+)", r"an IPv4 address, as \1"),
    (r"six octets, comme (.+)", r"six bytes, as \1"),
    (r"des sites qui existent", "sites that exist"),
    (r"une règle qui existe", "a rule that exists"),
    (r"un entier de (\d+) à (\d+)", r"a whole number from \1 to \2"),
    (r"catégorie → minutes \((\d+) à (\d+)\)", r"category → minutes (\1 to \2)"),
    (r"un fuseau IANA, comme (.+)", r"an IANA time zone, as \1"),
    (r"un jour de 0 \(lundi\) à 6 \(dimanche\)", "a day from 0 (Monday) to 6 (Sunday)"),
    (r"une date AAAA-MM-JJ", "a date YYYY-MM-DD"),
    (r"(.+) : des intervalles comme (.+)", r"\1: intervals such as \2"),
    (
        r"0262, 0263, 0692, 0693 et six chiffres, ou \+indicatif",
        "0262, 0263, 0692, 0693 and six digits, or +country code",
    ),
    (r"une adresse comme (.+)", r"an address such as \1"),
    (r"une date passée, de moins de 120 ans", "a past date, less than 120 years ago"),
    (r"64 chiffres hexadécimaux, en minuscules", "64 hexadecimal digits, in lower case"),
    (r"« maintenant » pour réveiller un poste", "“maintenant” to wake a computer"),
    (r"la `suite` d’une réponse précédente", "the `suite` of an earlier answer"),
    (r"un nombre de secondes différent de 0", "a number of seconds other than 0"),
)
"""What a value may be: in French as the rules say it, and the same in English."""


_SYSTEM: dict[str, str] = {
    "File exists": "un fichier porte ce nom",
    "No space left on device": "il n’y a plus de place sur le disque",
    "No such file or directory": "ce fichier ou ce dossier n’existe pas",
    "Not a directory": "ce n’est pas un dossier",
    "Permission denied": "l’accès n’est pas permis",
    "Read-only file system": "le disque est en lecture seule",
}
"""What the system says in English where it says no."""
THINGS: dict[str, tuple[str, str]] = {
    "adresse": ("cette adresse", "this address"),
    "alerte": ("alerte", "alert"),
    "cle": ("clé", "credential"),
    "demande": ("demande", "request"),
    "image": ("image", "picture"),
    "log": ("ligne du journal", "row of the audit trail"),
    "lot": ("lot de codes", "batch of codes"),
    "operateur": ("opérateur", "operator"),
    "rapport": ("rapport", "report"),
    "requisition": ("réquisition", "requisition"),
    "reservation": ("réservation", "booking"),
    "site": ("lieu", "site"),
    "tache": ("tâche", "job"),
    "texte": ("texte", "text"),
}
"""What is not found, where people say it otherwise than the code."""


def spoken(name: str, value: object, language: Language) -> object:
    """A detail of a refusal as its sentence says it; what needs no words stays as it is."""
    if name == "statut" and value in STATUTS:
        return STATUTS[str(value)][language == "en"]
    if name == "thing" and value in THINGS:
        return THINGS[str(value)][language == "en"]
    if name == "dit" and language == "fr":
        return _SYSTEM.get(str(value), value)
    if name in ("minimum", "maximum", "attente") and isinstance(value, int):
        return duration(value)
    return rule_in_english(str(value)) if name == "regle" and language == "en" else value


def duration(seconds: int) -> str:
    """Seconds as people say them: `1 min`, `4 h`, `1 h 30`."""
    minutes, rest = divmod(seconds, 60)
    if rest or not minutes:
        return f"{seconds}\u00a0s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}\u00a0min"
    return f"{hours}\u00a0h\u00a0{minutes:02}" if minutes else f"{hours}\u00a0h"


def rule_in_english(rule: str) -> str:
    """The same rule in English; what has no English form, as a list of words, stays as it is."""
    for french, english in _RULES:
        found = re.fullmatch(french, rule)
        if found is not None:
            return found.expand(english)
    return rule
