"""What happened to a session, as one says it in French: one sentence for each line of its trail."""

from collections.abc import Mapping
from typing import Any

from fleet.domain.blanks import duration

_SAID = {
    "generation_code": "Code créé pour {duree}.",
    "reimpression_code": "Code redonné à l’accueil.",
    "modification_session": "Session modifiée\u202f: {champs}.",
    "reprise_session": "La session reprend.",
    "suspension_session": "Session mise en pause.",
    "expiration": "Session expirée.",
    "avertissement": "Le poste a averti le visiteur\u202f: il reste {restant}.",
    "demande_temps": "Le visiteur a demandé {secondes} de plus.",
    "refus_temps": "L’accueil a refusé le temps demandé.",
    "transfert_session": "La session passe du poste {de} au poste {vers}.",
    "annulation_fin": "La fin de la session est annulée\u202f: elle est en pause, le poste revient nettoyé.",
    "credit_panne": "{secondes} rendues après une panne.",
    "nettoyage_poste": "Le poste a été nettoyé.",
    "inactivite": "Personne n’a touché le poste pendant un moment.",
    "fin_au_poste": "Le poste s’est verrouillé de lui-même.",
    "erreur": "Le poste a signalé une erreur.",
    "refus": "Refusé\u202f: {tentative}.",
}
_TRIED = {
    "lecture": "regarder",
    "ajout_temps": "ajouter du temps",
    "demarrage_session": "démarrer",
    "reprise_session": "reprendre",
    "suspension_session": "mettre en pause",
    "fermeture": "terminer",
    "transfert_session": "changer de poste",
    "annulation_fin": "annuler la fin",
    "modification_session": "modifier",
    "reimpression_code": "redonner le code",
    "refus_temps": "refuser le temps demandé",
    "credit_panne": "rendre le temps d’une panne",
}


def said(action: str, facts: Mapping[str, Any]) -> str:
    """The sentence of one line. An action without one is its own sentence."""
    if action == "ajout_temps":
        return _added(facts)
    if action == "demarrage_session":
        return (
            "Session démarrée avec le code."
            if facts.get("par") == "code"
            else "Session démarrée à l’accueil."
        )
    if action == "fermeture":
        return "Session annulée." if facts.get("motif") == "annulation" else "Session terminée."
    pattern = _SAID.get(action)
    return action if pattern is None else pattern.format_map(_blanks(facts))


def _added(facts: Mapping[str, Any]) -> str:
    seconds = _whole(facts.get("secondes"))
    if facts.get("motif") == "fermeture":
        return f"Raccourcie de {duration(-seconds)}\u202f: c’est l’heure de fermeture."
    return f"{duration(abs(seconds))} {'ajoutées' if seconds > 0 else 'retirées'}."


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _blanks(facts: Mapping[str, Any]) -> Mapping[str, str]:
    listed = facts.get("champs")
    return _Blank(
        duree=duration(_whole(facts.get("duree_s"))),
        restant=duration(_whole(facts.get("restant_s"))),
        secondes=duration(_whole(facts.get("secondes"))),
        champs=", ".join(map(str, listed)) if isinstance(listed, list) else "",
        de=str(facts.get("de", "?")),
        vers=str(facts.get("vers", "?")),
        tentative=_TRIED.get(str(facts.get("tentative")), str(facts.get("tentative", "?"))),
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
