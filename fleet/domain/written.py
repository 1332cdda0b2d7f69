"""Values as a French document says them: figures, durations, instants, and words for the codes of the product."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from fleet.domain.blanks import STATUTS
from fleet.domain.reasons import REASONS

NOTHING = "—"
_THIN, _FIXED = "\u202f", "\u00a0"
_BLANK = re.compile(r"\{\w+\}")
_ASIDE = re.compile(r"\s*\([^()]*\{\w+\}[^()]*\)|\s*:\s*\{\w+\}")

ACTIONS: dict[str, str] = {
    "acquittement_alerte": "Alerte prise en compte",
    "ajout_temps": "Temps ajouté ou retiré",
    "annulation_fin": "Fin de session annulée",
    "annulation_lot": "Lot de codes annulé",
    "annulation_reservation": "Réservation annulée",
    "avertissement": "Avertissement du visiteur",
    "changement_statut_poste": "Statut d’un poste changé",
    "cle_poste": "Clé d’un poste",
    "commande_poste": "Commande envoyée à un poste",
    "connexion_operateur": "Connexion d’un opérateur",
    "connexion_poste": "Connexion d’un poste",
    "creation_operateur": "Compte d’opérateur créé",
    "creation_poste": "Poste créé",
    "creation_site": "Lieu créé",
    "creation_utilisateur": "Fiche d’une personne créée",
    "credit_panne": "Temps rendu après une panne",
    "deconnexion_operateur": "Déconnexion d’un opérateur",
    "deconnexion_poste": "Déconnexion d’un poste",
    "demande_temps": "Temps demandé par un visiteur",
    "demarrage_session": "Session commencée",
    "deverrouillage_manuel": "Poste déverrouillé sur place",
    "echec_code": "Code refusé",
    "enrolement_poste": "Enrôlement d’un poste",
    "erreur": "Erreur",
    "expiration": "Session arrivée à son terme",
    "export": "Données exportées",
    "fermeture": "Session terminée",
    "file_attente": "File d’attente",
    "fin_au_poste": "Poste verrouillé de lui-même",
    "generation_code": "Code créé",
    "generation_lot": "Lot de codes créé",
    "inactivite": "Poste sans activité",
    "lancement_tache": "Tâche lancée à la main",
    "modification_operateur": "Compte d’opérateur modifié",
    "modification_plan": "Plan de salle modifié",
    "modification_poste": "Poste modifié",
    "modification_session": "Session modifiée",
    "modification_site": "Lieu modifié",
    "modification_utilisateur": "Fiche d’une personne modifiée",
    "nettoyage_poste": "Poste nettoyé",
    "purge": "Données effacées",
    "refus": "Refus",
    "refus_temps": "Temps demandé refusé",
    "reimpression_code": "Code redonné",
    "reprise_session": "Session reprise",
    "requisition": "Réquisition",
    "reservation": "Réservation",
    "reservation_hors_horaires": "Réservation tombée hors des horaires",
    "reservation_manquee": "Réservation non honorée",
    "restauration": "Sauvegarde rétablie",
    "revocation_consentement": "Consentement retiré",
    "revocation_jetons": "Connexions d’un opérateur fermées",
    "sauvegarde": "Sauvegarde",
    "suppression_poste": "Poste supprimé",
    "suppression_utilisateur": "Fiche d’une personne supprimée",
    "suspension_session": "Session mise en pause",
    "totp_active": "Double authentification activée",
    "totp_desactive": "Double authentification désactivée",
    "transfert_session": "Session passée à un autre poste",
}
"""What was done, by the action of the audit trail."""
ENDINGS: dict[str, tuple[str, str]] = {
    "annulation": ("Annulée", "Cancelled"),
    "code_non_utilise": ("Code non utilisé à temps", "Code not used in time"),
    "consentement_retire": ("Consentement retiré", "Consent taken back"),
    "duree_ecoulee": ("Temps écoulé", "Time was up"),
    "fermeture": ("Heure de fermeture", "Closing time"),
    "fin_inactivite": ("Plus personne au poste", "Nobody at the computer any more"),
    "fin_nettoyage": ("Poste en fin de session", "Computer ending a session"),
    "fin_operateur": ("Terminée à l’accueil", "Ended at the desk"),
    "fin_visiteur": ("Terminée par le visiteur", "Ended by the visitor"),
    "jeton_rejoue": ("Jeton de connexion déjà utilisé", "Login token used before"),
    "suspension_trop_longue": ("Pause trop longue", "Paused for too long"),
}
"""Reasons of which the sentence speaks to the visitor, or is none."""


def number(value: float) -> str:
    """`12 345`, `3,5`."""
    return f"{value:,}".replace(",", _THIN).replace(".", ",")


def share(value: float | None) -> str:
    """A part of one: `12,3 %`."""
    return NOTHING if value is None else f"{number(round(value * 100, 1))}{_THIN}%"


def duration(seconds: float) -> str:
    """`45 s`, `5 min`, `2 min 05 s`, `1 h 05 min`; from an hour on, to the nearest minute."""
    sign, whole = "−" if seconds < 0 else "", round(abs(seconds))
    if whole >= 3600:
        hours, minutes = divmod(round(whole / 60), 60)
        return f"{sign}{number(hours)}{_FIXED}h {minutes:02}{_FIXED}min"
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{sign}{rest}{_FIXED}s"
    return f"{sign}{minutes}{_FIXED}min" + (f" {rest:02}{_FIXED}s" if rest else "")


def day(value: date) -> str:
    """`31/01/2026`."""
    return f"{value:%d/%m/%Y}"


def instant(value: datetime, zone: str) -> str:
    """`31/01/2026 à 14 h 05`, where the zone is."""
    here = value.astimezone(ZoneInfo(zone))
    return f"{day(here)} à {here.hour}{_FIXED}h{_FIXED}{here:%M}"


def zone(name: str) -> str:
    """A time zone, without what stands for spaces in its name."""
    return name.replace("_", " ")


def yes_no(value: bool) -> str:
    """`oui` or `non`."""
    return "oui" if value else "non"


def statut(code: str) -> str:
    """The statut of a session or a poste."""
    return STATUTS[code][0] if code in STATUTS else _plain(code)


def action(code: str) -> str:
    """What was done."""
    return ACTIONS.get(code) or _plain(code)


def reason(code: str) -> str:
    """Why something ended or was refused: the first sentence of the catalogue, without what only a case has."""
    return _reason(code, 0)


def reason_in_english(code: str) -> str:
    """The same, in English."""
    return _reason(code, 1)


def _reason(code: str, language: int) -> str:
    if code in ENDINGS:
        return ENDINGS[code][language]
    if code not in REASONS:
        return _plain(code)
    first = REASONS[code][language].partition(". ")[0].removesuffix(".")
    return _BLANK.sub("…", _ASIDE.sub("", first))


def _plain(code: str) -> str:
    said = code.replace("_", " ")
    return said[:1].upper() + said[1:]
