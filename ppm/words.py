"""What the command line shows to people, in the language that they asked for: LC_ALL, LC_MESSAGES or LANG.

French where that begins with `fr`, else English. The public vocabulary (slug, statut, the names of fields) is the same.
What a number decides has its singular and its plural, with `|` between.
"""

import os
from collections.abc import Mapping
from typing import Literal

HEADINGS: Mapping[str, str] = {
    "id": "id", "slug": "slug", "name": "nom", "site": "site", "zone": "fuseau", "postes": "postes",
    "open": "ouvert", "hours set": "horaires", "statut": "statut", "online": "en ligne", "session": "session",
    "software": "version", "last seen": "dernière connexion", "poste": "poste", "left (s)": "reste (s)",
    "total (s)": "total (s)", "deadline": "fin prévue", "reason": "motif", "login": "identifiant",
    "role": "rôle", "sites": "sites", "active": "actif", "last login": "dernière connexion", "job": "tâche",
    "when": "quand", "last run": "dernière fois", "ok": "réussie", "outcome": "résultat", "next": "prochaine fois",
    "chain": "chaîne", "row": "ligne", "hash": "empreinte", "left": "reste", "order": "commande",
    "text": "texte", "operator": "opérateur", "given": "donnée", "until": "jusqu’à",
}  # fmt: skip
"""The headings of tables, by the English one; others are the same in both languages."""
OUTCOMES: Mapping[str, str] = {
    "sans_dossier": "no folder is set", "lignes": "rows", "fichiers": "files", "fichier": "file",
    "octets": "bytes", "retires": "deleted", "jour": "day", "utilisateurs": "utilisateurs",
    "adresses": "addresses", "evenements": "events", "technique": "technical", "erreur": "error",
    "sites": "sites", "sessions": "sessions", "logs": "logs", "reservations": "bookings", "attente": "tickets",
    "reponses_oubliees": "answers forgotten", "requisitions": "requisitions",
}  # fmt: skip
"""What a job tells of what it did: the French words are those of the API."""
CATALOGUE: Mapping[str, tuple[str, str]] = {
    "yes": ("oui", "yes"),
    "no": ("non", "no"),
    "done": ("fait", "done"),
    "there_is_no": ("{what} inconnu\u202f: {word}", "there is no {what} {word}"),
    "daily": ("tous les jours à {at}", "every day at {at}"),
    "monthly": ("le 1er du mois à {at}", "on the 1st of the month at {at}"),
    "every_minutes": ("toutes les {minutes} minutes", "every {minutes} minutes"),
    "postes_are_there": (
        "{n} poste est là|{n} postes sont là",
        "{n} poste is there|{n} postes are there",
    ),
    "ctrl_c": ("Ctrl-C arrête tout.", "Ctrl-C stops everything."),
    "login": ("identifiant", "login"),
    "page": ("page", "page"),
    "password": ("mot de passe", "password"),
    "in_words": ("en clair", "in words"),
    "files": ("fichiers", "files"),
    "times": ("heures", "times"),
    "of_zone": ("celles de {zone}", "those of {zone}"),
    "your_seat": ("votre place", "your seat"),
    "its_code": ("son code", "its code"),
    "it_stays": ("reste", "it stays"),
    "administrateur_stays": (
        "l’administrateur {login}, dans votre base\u202f: ppm operator disable {login}",
        "the administrateur {login}, in your database: ppm operator disable {login}",
    ),
    "ready_after": ("Prêt en {s} s.", "Ready after {s} s."),
    "stopped": ("arrêté", "stopped"),
    "disponible": ("Libre", "Free"),
    "occupe": ("Occupé", "In use"),
    "suspendue": ("En pause", "Paused"),
    "reserve": ("Réservé", "Reserved"),
    "nettoyage": ("Nettoyage", "Cleaning"),
    "maintenance": ("Maintenance", "Maintenance"),
    "hors_ligne": ("Hors ligne", "Offline"),
    "until": ("jusqu’à {at}", "until {at}"),
    "to_save": ("à enregistrer", "to save"),
    "postes_simulated": (
        "{n} poste est simulé\u202f; Ctrl-C l’arrête|{n} postes sont simulés\u202f; Ctrl-C les arrête",
        "{n} poste is simulated; Ctrl-C stops it|{n} postes are simulated; Ctrl-C stops them",
    ),
    "trail_holds": (
        "le journal est intact\u202f: {n} ligne|le journal est intact\u202f: {n} lignes",
        "the audit trail holds: {n} row|the audit trail holds: {n} rows",
    ),
    "session_code": ("session {number}\u202f: code {code}", "session {number}: code {code}"),
    "session_now": (
        "session {number}\u202f: {statut}, reste {s} s",
        "session {number}: {statut}, {s} s left",
    ),
    "poste_created": (
        "poste {slug}\u202f: créé\u202f; ensuite\u202f: ppm poste credential {slug}",
        "poste {slug}: created; now: ppm poste credential {slug}",
    ),
    "poste_revoked": (
        "poste {slug}\u202f: sa machine est révoquée",
        "poste {slug}: its machine is revoked",
    ),
    "order_waits": (
        "poste {slug}\u202f: {op} attend son retour",
        "poste {slug}: {op} waits until it is back",
    ),
    "order_sent": ("poste {slug}\u202f: {op} est en route", "poste {slug}: {op} on its way"),
    "site_is": ("site {slug}\u202f: {nom}", "site {slug}: {nom}"),
    "site_changed": ("site {slug}\u202f: modifié ({fields})", "site {slug}: {fields} changed"),
    "operator_is": ("opérateur {login}\u202f: {role}", "operator {login}: {role}"),
    "operator_password": ("opérateur {login}\u202f: nouveau mot de passe", "operator {login}: new password"),
    "operator_active": ("opérateur {login}\u202f: actif", "operator {login}: active"),
    "operator_disabled": ("opérateur {login}\u202f: désactivé", "operator {login}: disabled"),
    "operator_one_factor": (
        "opérateur {login}\u202f: sans second facteur",
        "operator {login}: no second factor",
    ),
    "operator_out": ("opérateur {login}\u202f: déconnecté", "operator {login}: logged out"),
}


def language() -> Literal["fr", "en"]:
    """What the environment asks for; English where it asks for nothing."""
    asked = next((said for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (said := os.environ.get(name))), "")
    return "fr" if asked.lower().partition("_")[0].partition(".")[0] == "fr" else "en"


def say(key: str, **words: object) -> str:
    """A sentence of the catalogue, filled."""
    return CATALOGUE[key][0 if language() == "fr" else 1].format(**words)


def count(key: str, n: int) -> str:
    """The same, of so many: French counts nothing as one."""
    one, _, many = CATALOGUE[key][0 if language() == "fr" else 1].partition("|")
    is_one = n < 2 if language() == "fr" else n == 1
    return (one if is_one else many).format(n=n)


def heading(english: str) -> str:
    """The heading of a column."""
    return HEADINGS.get(english, english) if language() == "fr" else english


def outcome(facts: Mapping[str, object]) -> str:
    """What a job did, in a line."""
    said = (name if language() == "fr" else OUTCOMES.get(name, name) for name in facts)
    found = ((name.replace("_", " "), value) for name, value in zip(said, facts.values(), strict=True))
    return ", ".join(name if value is True else f"{name} {value}" for name, value in found) or say("done")
