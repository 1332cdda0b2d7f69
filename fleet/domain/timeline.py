"""What happened to a session, as one says it: one sentence for each line of its trail."""

from collections.abc import Mapping
from typing import Any

from fleet.domain.blanks import SPOKEN, duration

_SAID: dict[str, tuple[str, str]] = {
    "generation_code": ("Code créé pour {duree}.", "Code made for {duree}."),
    "reimpression_code": ("Code redonné à l’accueil.", "Code given again at the desk."),
    "modification_session": ("Session modifiée\u202f: {champs}.", "Session changed: {champs}."),
    "reprise_session": ("La session reprend.", "The session goes on."),
    "suspension_session": ("Session mise en pause.", "Session paused."),
    "expiration": ("Session expirée.", "Session expired."),
    "avertissement": (
        "Le poste a averti le visiteur\u202f: il reste {restant}.",
        "The computer warned the visitor: {restant} left.",
    ),
    "demande_temps": ("Le visiteur a demandé {secondes} de plus.", "The visitor asked for {secondes} more."),
    "refus_temps": ("L’accueil a refusé le temps demandé.", "The desk refused the time asked for."),
    "transfert_session": (
        "La session passe de {de} à {vers}.",
        "The session goes on at {vers} instead of {de}.",
    ),
    "annulation_fin": (
        "La fin de la session est annulée\u202f: elle est en pause, le poste revient nettoyé.",
        "The end of the session is undone: it is paused, and the computer comes back cleaned.",
    ),
    "credit_panne": ("{secondes} rendues après une panne.", "{secondes} given back after an outage."),
    "nettoyage_poste": ("Le poste a été nettoyé.", "The computer was cleaned."),
    "inactivite": (
        "Personne n’a touché le poste pendant un moment.",
        "Nobody touched the computer for a while.",
    ),
    "fin_au_poste": ("Le poste s’est verrouillé de lui-même.", "The computer locked itself."),
    "erreur": ("Le poste a signalé une erreur.", "The computer reported an error."),
    "refus": ("Refusé\u202f: {tentative}.", "Refused: {tentative}."),
}
_STARTED = {
    True: ("Session démarrée avec le code.", "Session started with the code."),
    False: ("Session démarrée à l’accueil.", "Session started from the desk."),
}
_ENDED = {
    True: ("Session annulée.", "Session cancelled."),
    False: ("Session terminée.", "Session ended."),
}
_CLOSING = (
    "Raccourcie de {secondes}\u202f: c’est l’heure de fermeture.",
    "Shortened by {secondes}: it is closing time.",
)
_ADDED = {
    True: ("{secondes} ajoutées.", "{secondes} added."),
    False: ("{secondes} retirées.", "{secondes} taken away."),
}
_TRIED: dict[str, tuple[str, str]] = {
    "lecture": ("regarder", "look"),
    "ajout_temps": ("ajouter du temps", "add time"),
    "demarrage_session": ("démarrer", "start"),
    "reprise_session": ("reprendre", "resume"),
    "suspension_session": ("mettre en pause", "pause"),
    "fermeture": ("terminer", "end"),
    "transfert_session": ("changer de poste", "change computers"),
    "annulation_fin": ("annuler la fin", "undo the end"),
    "modification_session": ("modifier", "change"),
    "reimpression_code": ("redonner le code", "give the code again"),
    "refus_temps": ("refuser le temps demandé", "refuse the time asked for"),
    "credit_panne": ("rendre le temps d’une panne", "give back the time of an outage"),
}
_FIELDS: dict[str, tuple[str, str]] = {
    "notes": ("notes", "notes"),
    "poste_id": ("poste", "computer"),
    "duree_initiale_ms": ("durée", "length"),
}


def said(action: str, facts: Mapping[str, Any], postes: Mapping[str, str] | None = None) -> str:
    """The sentence of one line, in the language of whoever is answered; `postes` names slugs.

    An action without a sentence is its own sentence.
    """
    pattern = _pattern(action, facts)
    return action if pattern is None else _spoken(pattern).format_map(_blanks(facts, postes or {}))


def _pattern(action: str, facts: Mapping[str, Any]) -> tuple[str, str] | None:
    motif = facts.get("motif")
    if action == "ajout_temps":
        return _CLOSING if motif == "fermeture" else _ADDED[_whole(facts.get("secondes")) > 0]
    if action == "demarrage_session":
        return _STARTED[facts.get("par") == "code"]
    if action == "fermeture":
        return _ENDED[motif == "annulation"]
    return _SAID.get(action)


def _spoken(pair: tuple[str, str]) -> str:
    return pair[SPOKEN.get() == "en"]


def _called(names: Mapping[str, tuple[str, str]], name: str) -> str:
    return _spoken(names.get(name, (name, name)))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _blanks(facts: Mapping[str, Any], postes: Mapping[str, str]) -> Mapping[str, str]:
    listed = facts.get("champs")
    de, vers = str(facts.get("de", "?")), str(facts.get("vers", "?"))
    return _Blank(
        duree=duration(_whole(facts.get("duree_s"))),
        restant=duration(_whole(facts.get("restant_s"))),
        secondes=duration(abs(_whole(facts.get("secondes")))),
        champs=", ".join(_called(_FIELDS, str(one)) for one in listed) if isinstance(listed, list) else "",
        de=postes.get(de, de),
        vers=postes.get(vers, vers),
        tentative=_called(_TRIED, str(facts.get("tentative", "?"))),
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def author(action: str, login: str | None, facts: Mapping[str, Any]) -> str:
    """Who did it: an operator by login, the visitor, the poste, or the system."""
    if login is not None:
        return login
    by_visitor = (
        facts.get("par") == "code" or facts.get("motif") == "fin_visiteur" or action == "demande_temps"
    )
    if by_visitor:
        return "visiteur"
    return (
        "poste"
        if action in ("avertissement", "nettoyage_poste", "inactivite", "fin_au_poste", "erreur")
        else "système"
    )
